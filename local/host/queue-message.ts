import type { DequeuedMessageItem } from '@azure/storage-queue'
import type { TypedData } from './core-types.ts'

/** The text of a base64 message; undefined when it is none: .NET allows white space in base64 and wants its padding. */
export function decodeMessage(messageText: string): string | undefined {
  const text = messageText.replace(/\s/g, '')
  if (text.length % 4 !== 0 || !/^[A-Za-z0-9+/]*={0,2}$/.test(text)) return undefined
  return Buffer.from(text, 'base64').toString('utf8')
}

/**
 * What the host says of a message beside its text. The top-level properties of a JSON object, arrays excepted, stand
 * beside the host's own facts and replace those of the same name: the reason why a payload belongs under one key.
 */
export function messageMetadata(message: DequeuedMessageItem, text: string): Record<string, TypedData> {
  return {
    QueueTrigger: { string: text },
    Id: { string: message.messageId },
    PopReceipt: { string: message.popReceipt },
    DequeueCount: { json: String(message.dequeueCount) },
    InsertionTime: { json: hostTime(message.insertedOn) },
    ExpirationTime: { json: hostTime(message.expiresOn) },
    NextVisibleTime: { json: hostTime(message.nextVisibleOn) },
    ...Object.fromEntries(payloadProperties(text).map(([name, value]) => [name, toTypedData(value)])),
  }
}

function payloadProperties(text: string): [string, unknown][] {
  const payload = parseObject(text)
  return Object.entries(payload).filter(([, value]) => !Array.isArray(value))
}

function parseObject(text: string): object {
  try {
    const value: unknown = JSON.parse(text)
    return typeof value === 'object' && value !== null && !Array.isArray(value) ? value : {}
  } catch {
    return {}
  }
}

function toTypedData(value: unknown): TypedData {
  return typeof value === 'string' ? { string: value } : { json: JSON.stringify(value) }
}

function hostTime(time: Date): string {
  return JSON.stringify(time.toISOString().replace('.000Z', '+00:00').replace('Z', '+00:00'))
}
