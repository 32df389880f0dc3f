// The messages that were not delivered when the server stopped: they are sent after its next start.

import type { Core } from '../../component/component.ts'
import { messageOf } from '../../core/errors.ts'
import { choice, list, object, readShape, string } from '../../schema/index.ts'
import { BODY_FORMATS, type Message } from './message.ts'

const NAMESPACE = 'moonraker'
const RECORD = 'notifier'

/** Attachments are pictures of a moment, and may have 40 MiB: they are not stored. */
const StoredMessage = object({ title: string(), body: string(), format: choice(...BODY_FORMATS) })
const stored = { messages: list(StoredMessage) }

/** Stores the messages of a notifier. What cannot be stored is lost, with a warning. */
export async function storeUndelivered(
  { storage, log }: Core,
  notifier: string,
  messages: readonly Message[],
): Promise<void> {
  try {
    const texts = messages.map(({ title, body, format }) => ({ title, body, format }))
    await storage.namespaces.post(NAMESPACE, [RECORD, notifier], { messages: texts })
  } catch (error) {
    log.warning(`${messages.length} messages of notifier '${notifier}' are lost: ${messageOf(error)}`)
  }
}

/** Removes the stored messages of a notifier, and returns them. */
export async function takeUndelivered({ storage, log }: Core, notifier: string): Promise<Message[]> {
  try {
    const found = storage.namespaces.find(NAMESPACE, [RECORD, notifier])
    if (found === undefined) return []
    await storage.namespaces.delete(NAMESPACE, [RECORD, notifier])
    return readShape(stored, found).messages.map(message => ({ ...message, attachments: [] }))
  } catch (error) {
    log.warning(`stored messages of notifier '${notifier}' cannot be read: ${messageOf(error)}`)
    return []
  }
}
