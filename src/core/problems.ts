/** Why something that a person asked for was not done. Nothing was changed. */
export type Problem = { readonly problem: string }

/** What is wrong with a file or with the settings: one line for each mistake, so that a person can correct all of them at once. */
export type Problems = { readonly problems: readonly string[] }
