/** The process environment as it is handed in; read once, in settings.ts. */
export type Environment = Readonly<Record<string, string | undefined>>
