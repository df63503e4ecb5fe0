#!/usr/bin/env node
import { CommanderError } from 'commander'
import { createProgram } from './program.ts'

try {
  await createProgram().parseAsync()
} catch (error) {
  if (!(error instanceof CommanderError)) throw error
  process.exitCode = error.exitCode === 0 ? 0 : 2
}

// End the process when its output is written. Otherwise a sign-in that still waits for an answer would keep it alive.
process.stdout.write('', () => process.exit())
