#!/usr/bin/env node
import { enableCompileCache } from 'node:module'
import { join } from 'node:path'

// The libraries for the storage are hundreds of files: compiled once, a command starts in half the time. What is compiled lies
// with them and in no folder that others can write to. Where Node may not write there, it compiles each time.
enableCompileCache(join(import.meta.dirname, '../node_modules/.cache/compiled'))
const { runProgram } = await import('./program.ts')
await runProgram(process.argv.slice(2))

// End the process when its output is written. Otherwise a sign-in that still waits for an answer would keep it alive.
process.stdout.write('', () => process.exit())
