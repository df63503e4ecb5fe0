import type { Command } from 'commander'
import { unblock } from '../../src/steps/operator/unblock.ts'
import { addCommand, type CommonOptions, withApp } from '../command.ts'
import { done, refused } from '../output.ts'

/** Ends the block of a feed, once what blocked it is mended. */
export function addUnblock(program: Command): void {
  addCommand(program, 'unblock <feed>', 'end the block of a feed now').action((feed: string, options: CommonOptions) =>
    withApp(options, async ({ services }) => {
      const result = await unblock(services, feed)
      if ('problem' in result) return refused([result.problem])
      return done({ feed, ...result }, [`${feed}: no longer blocked; it is asked for at the next tick`])
    }),
  )
}
