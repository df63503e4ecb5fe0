/** What passes between the host and `@azure/functions`: the part of its `types-core/index.d.ts` that the stand-in knows. */

export type TypedData = {
  readonly string?: string
  readonly json?: string
  readonly bytes?: Uint8Array
  readonly http?: HttpData
  readonly int?: number
  readonly double?: number
}

export type HttpData = {
  readonly method?: string
  readonly url?: string
  readonly nullableHeaders?: Record<string, { value: string }>
  readonly nullableQuery?: Record<string, { value: string }>
  readonly nullableParams?: Record<string, { value: string }>
  readonly headers?: Record<string, string>
  readonly cookies?: readonly Cookie[]
  readonly statusCode?: string
  readonly body?: TypedData | null
}

type Nullable<T> = { readonly value?: T }

export type Cookie = {
  readonly name: string
  readonly value: string
  readonly domain?: Nullable<string>
  readonly path?: Nullable<string>
  readonly expires?: Nullable<{ readonly seconds?: number }>
  readonly secure?: Nullable<boolean>
  readonly httpOnly?: Nullable<boolean>
  readonly sameSite?: 'none' | 'lax' | 'strict' | 'explicitNone'
  readonly maxAge?: Nullable<number>
}

export type Binding = { readonly type: string; readonly direction: string; readonly [option: string]: unknown }

export type FunctionMetadata = { readonly name: string; readonly bindings: Readonly<Record<string, Binding>> }

// What a function takes and returns is between it and the library.
export type FunctionCallback = (...inputs: unknown[]) => unknown

export type LogLevel = 'trace' | 'debug' | 'information' | 'warning' | 'error' | 'critical' | 'none'
export type LogCategory = 'user' | 'system' | 'customMetric'

export type CoreContext = {
  readonly invocationId: string
  readonly request: {
    readonly invocationId: string
    readonly functionId: string
    readonly inputData: readonly { readonly name: string; readonly data: TypedData }[]
    readonly triggerMetadata: Readonly<Record<string, TypedData>>
    readonly traceContext: null
    readonly retryContext: null
  }
  readonly metadata: FunctionMetadata
  state: 'preInvocationHooks' | 'invocation' | 'postInvocationHooks' | undefined
  log(level: LogLevel, category: LogCategory, message: string): void
}

export type InvocationResponse = { readonly returnValue?: TypedData | null }

type InvocationModel = {
  getArguments(): Promise<{ context: unknown; inputs: unknown[] }>
  invokeFunction(context: unknown, inputs: unknown[], callback: FunctionCallback): Promise<unknown>
  getResponse(context: unknown, result: unknown): Promise<InvocationResponse>
}

export type ProgrammingModel = {
  readonly name: string
  readonly version: string
  getInvocationModel(context: CoreContext): InvocationModel | Promise<InvocationModel>
  getCapabilities(defaults: Record<string, string>): Promise<Record<string, string>>
}

export type Hook = (context: object) => unknown
export const HOOK_NAMES = ['appStart', 'appTerminate', 'preInvocation', 'postInvocation', 'log'] as const
export type HookName = (typeof HOOK_NAMES)[number]
