import type { Value } from '../../local/simulator/values.ts'

/** What a column of AzureUsage lands as: written out here, so that no catalogue can be wrong twice. */
const TYPES = {
  PGAMpnId: 'text',
  SubscriptionId: 'guid',
  SubscriptionStartDate: 'date',
  SubscriptionEndDate: 'date',
  FirstUseDate: 'date',
  SubscriptionState: 'text',
  Month: 'month',
  ServiceName: 'text',
  MeterCategory: 'text',
  UsageUnits: 'text',
  UsageQuantity: 'number',
  CustomerName: 'text',
  CustomerTenantId: 'guid',
  CustomerTpid: 'text',
  CustomerSegment: 'text',
  CustomerMarket: 'text',
  MpnId: 'text',
  PartnerName: 'text',
  PartnerLocation: 'text',
  PartnerAttributionType: 'text',
  SalesChannel: 'text',
  EnrollmentNumber: 'text',
  IsACRDuplicateAtPGALevel: 'integer',
  ResellerID: 'text',
  ResellerName: 'text',
  MonthlySubscriptionLevelACR: 'number',
  PartnerLocationID: 'text',
  ServiceLevel1: 'text',
  ServiceLevel2: 'text',
  ServiceLevel3: 'text',
  ServiceLevel4: 'text',
  ServiceInfluencer: 'text',
  ServiceGroup2: 'text',
  ServiceGroup3: 'text',
  ComputeOS: 'text',
  ComputeOSAttribute: 'text',
  ComputeCoreSoftware: 'text',
  CustomerTenantName: 'text',
  IndustryName: 'text',
  VerticalName: 'text',
  AdminType: 'text',
  PartnerOneSubID: 'text',
  PartnerOneSubCountry: 'text',
  ParticipantPublicCustomerNumber: 'text',
  PCNSubsidiaryName: 'text',
  PCNPartnerName: 'text',
  IsDuplicateAtMpnLevel: 'integer',
  IsDuplicateAtPgaAttributionTypeLevel: 'integer',
  AI_OfferType: 'text',
  EOU: 'text',
  TotalACR: 'number',
  ACR_USD: 'number',
  SubscriptionCount: 'number',
  CustomerCount: 'number',
  CustomerTenantCount: 'number',
} as const

type Type = (typeof TYPES)[keyof typeof TYPES]

/** Every column of a report of AzureUsage by today's documents. */
export const COLUMNS: readonly string[] = Object.keys(TYPES)

/** Properties that only `month` columns have beside their own. */
export const DERIVED: readonly string[] = ['Month_month']

export function typeOf(column: string): Type {
  const type = new Map<string, Type>(Object.entries(TYPES)).get(column)
  if (type === undefined) throw new Error(`no type is written down for column ${column}`)
  return type
}

/** How a value of the data maker must have landed, in the form of `landedCell`; a month as text and as an instant. */
export function expectedOfValue(column: string, value: Value): readonly string[] {
  if (value instanceof Date) return [`Edm.DateTime ${value.getTime()}`]
  return expected[typeOf(column)](value === null ? '' : String(value))
}

/** How a cell of the file, as csv-parse read it, must have landed. */
export function expectedOfText(column: string, text: string): readonly string[] {
  return expected[typeOf(column)](text)
}

const expected: Readonly<Record<Type, (text: string) => readonly string[]>> = {
  text: (text) => [`Edm.String ${text}`],
  guid: (text) => [text === '' ? 'absent' : `Edm.Guid ${text}`],
  integer: (text) => [text === '' ? 'absent' : `Edm.Int64 ${text}`],
  number: (text) => [text === '' ? 'absent' : `Edm.Double ${Number(text)}`],
  date: (text) => [text === '' ? 'absent' : `Edm.DateTime ${Date.parse(text)}`],
  month: (text) => [`Edm.String ${text}`, `Edm.DateTime ${Date.parse(`${text.slice(0, 7)}-01T00:00:00Z`)}`],
}
