// Frames of the SockJS protocol 0.3.3.

export const OPEN = 'o'
export const HEARTBEAT = 'h'

/** A frame of one or more messages. */
export function framed(...messages: readonly string[]): string {
  return `a${JSON.stringify(messages)}`
}

export function closeFrame(code: number, reason: string): string {
  return `c${JSON.stringify([code, reason])}`
}

/** The messages of a client's frame, a JSON list of texts or one text; null for anything else. */
export function messagesOf(frame: string): string[] | null {
  if (frame === '') return []
  try {
    const value: unknown = JSON.parse(frame)
    const messages = Array.isArray(value) ? value : [value]
    return messages.every(message => typeof message === 'string') ? messages : null
  } catch {
    return null
  }
}
