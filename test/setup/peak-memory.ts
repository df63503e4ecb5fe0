import { writeFileSync } from 'node:fs'

// Loaded into a process of its own by NODE_OPTIONS: it leaves the peak of the process's memory, in KiB, in a file.
process.on('exit', () => {
  const { PEAK_MEMORY_FILE: file } = process.env
  if (file !== undefined) writeFileSync(file, String(process.resourceUsage().maxRSS))
})
