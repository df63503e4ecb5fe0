import { join } from 'node:path'
import { afterAll, beforeAll, expect, it } from 'vitest'
import { type HostProcess, makeSiteApp, runHost } from '../setup/host-process.ts'
import { LEAP_DAY } from '../setup/settings.ts'
import { type Deployment, startDeployment } from './deployment.ts'

const USAGE = { name: 'usage', dataset: 'AzureUsage', from: '2025-04-01', to: '2025-05-01' }

// A host hands on no empty setting.
const QUIET = { PROVISION_SCHEDULE: LEAP_DAY, SWEEP_SCHEDULE: LEAP_DAY, CALLBACK_BASE_URL: 'off' }

let deployment: Deployment
let host: HostProcess

beforeAll(async () => {
  deployment = await startDeployment([USAGE])
  const NODE_EXTRA_CA_CERTS = join(deployment.folder, 'certificate.pem')
  host = await runHost(await makeSiteApp([USAGE]), { ...deployment.settings, ...QUIET, NODE_EXTRA_CA_CERTS })
})
afterAll(async () => {
  await host.stop()
  await deployment.close()
})

it('the doctor inside the app looks with the settings of the app, and answers its findings', async () => {
  const key = deployment.settings.LOCAL_FUNCTION_KEY ?? ''
  const look = () => deployment.command(['doctor', '--app', `${host.origin}/api`, '--key', key])
  const well = await look()
  expect(well.out).toMatch(/^ok {7}sign-in: account default signs in/m)
  expect(well.out).toMatch(/^ok {7}storage: queue storage/m)
  expect(well.exit).toBe(0)
  deployment.simulator.fault({ endpoint: 'listDatasets', effect: { status: 403, message: 'no' } })
  const ill = await look()
  expect(ill.out).toMatch(/^problem {2}role: /m)
  expect(ill.exit).toBe(1)
})
