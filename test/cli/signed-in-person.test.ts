import { expect, it } from 'vitest'
import { CALLBACK_SECRET } from '../setup/settings.ts'
import { onLaptop, type Programs, SIGNED_OUT, TOKENS } from './laptop.ts'

const ONE_LINE = 'nobody is signed in to Azure on this machine, or no longer: type "azd auth login" or "az login"\n'

/** Runs `status` with the storage's addresses in the environment. */
function statusWith(programs: Programs) {
  const env = (address: string) => ({
    DataStorage__tableServiceUri: address,
    DataStorage__blobServiceUri: address,
    DataStorage__queueServiceUri: address,
    DEPLOYMENT_ID: 'test',
    CALLBACK_BASE_URL: '',
    CALLBACK_SECRET,
    PARTNER_TENANT_ID: 'contoso',
    PARTNER_CLIENT_ID: 'app',
    PARTNER_REFRESH_TOKEN: 'first',
  })
  return onLaptop(['status'], { programs, env })
}

it('a command reaches the storage with the token of azd, and does not ask az', async () => {
  const { exit, err, tokens, asked } = await statusWith(TOKENS)
  expect({ exit, err, tokens }).toEqual({ exit: 0, err: '', tokens: ['Bearer of azd'] })
  expect(asked[0]).toMatch(/^azd auth token .*--scope https:\/\/storage\.azure\.com\/\.default/)
  expect(asked.some((line) => line.startsWith('az '))).toBe(false)
})

it('where nobody is signed in with azd, it takes the token of az', async () => {
  for (const azd of [SIGNED_OUT.azd, undefined]) {
    const { exit, err, tokens } = await statusWith({ az: TOKENS.az, ...(azd && { azd }) })
    expect({ exit, err, tokens }).toEqual({ exit: 0, err: '', tokens: ['Bearer of az'] })
  }
})

it('where nobody is signed in at all, one line says what to type', async () => {
  for (const programs of [SIGNED_OUT, {}]) {
    const { exit, out, err, tokens } = await statusWith(programs)
    expect({ exit, out, err, tokens }).toEqual({ exit: 1, out: '', err: ONE_LINE, tokens: [] })
  }
})
