// An agent as a program would be one: identifies itself, answers what it is request, or does not.
import { type Frame, WebClient } from '../../support/web-client.ts'

/** The identity under which an agent is known to others. */
export const identityOf = (name: string) => ({ name, version: '1.0', type: 'agent', url: 'http://x' })

/** The identification of an agent. */
export const introduction = (name: string) => {
  const { name: client_name, ...rest } = identityOf(name)
  return { client_name, ...rest }
}

/** Connects an agent; `answer` gives the fields of its reply to a request, or nothing. */
export async function connectAgent(
  url: string,
  name: string,
  answer: (request: Frame) => object | undefined = () => undefined,
): Promise<WebClient> {
  const client = await WebClient.open(url)
  client.ws.on('message', data => {
    const request = JSON.parse((data as Buffer).toString())
    if (request.method === undefined || request.id === undefined) return
    const reply = answer(request)
    if (reply !== undefined) client.send(JSON.stringify({ jsonrpc: '2.0', id: request.id, ...reply }))
  })
  const { error } = await client.call('server.connection.identify', introduction(name))
  if (error !== undefined) throw new Error(error.message)
  return client
}

/** Parameters of all `notify_agent_event` that a client has seen. */
export function eventsSeenBy({ frames }: WebClient): unknown[] {
  return frames.filter(({ method }) => method === 'notify_agent_event').map(({ params }) => params[0])
}
