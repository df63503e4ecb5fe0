/** When the timers of the app run unless its settings say otherwise: six fields, seconds first, UTC. */
export const SCHEDULES = { PROVISION_SCHEDULE: '0 */15 * * * *', SWEEP_SCHEDULE: '0 */5 * * * *' } as const
