#!/usr/bin/env node
import { CommanderError } from 'commander'
import { createProgram } from './program.ts'

try {
  await createProgram().parseAsync()
} catch (error) {
  if (!(error instanceof CommanderError)) throw error
  process.exitCode = error.exitCode === 0 ? 0 : 2
}

// Ends the process once its output is written: a sign-in that still waits for its answer would keep it alive.
process.stdout.write('', () => process.exit())
