// API document: "Extension APIs". Agents are clients that serve methods to other clients and to Klipper's macros, and
// send events.
import { choice, json, list, object, string } from '../schema/index.ts'
import { chapter, notification } from './chapter.ts'
import { get, post, rpcOnly } from './endpoint.ts'

const Agent = object({
  name: string(),
  version: string(),
  type: string().describe('agent'),
  url: string(),
})

/** An agent connected or disconnected, or sent an event. */
export const AgentEvent = object({
  agent: string(),
  event: string().describe('The agent chooses it; connected and disconnected come from the server'),
  data: json().describe('The data of the event; for connected, the identity of the agent').optional(),
})

export const extensions = chapter({
  title: 'Extension APIs',
  about: 'Programs that add methods of their own',
  methods: {
    'server.extensions.list': get('/server/extensions/list', {
      summary: 'The connected agents',
      result: object({ agents: list(Agent) }),
    }),
    'server.extensions.request': post('/server/extensions/request', {
      summary: 'Call a method of an agent; its reply is the result, its error the data of error 424',
      params: {
        agent: string(),
        method: string(),
        arguments: json().describe('An object or a list').optional(),
      },
      result: json(),
    }),
    'connection.register_remote_method': rpcOnly({
      summary: 'Allow macros of Klipper to call a method of this agent, until it disconnects',
      params: { method_name: string() },
      result: choice('ok'),
    }),
    'connection.send_event': rpcOnly({
      summary: 'Send an event of this agent to all other clients',
      params: { event: string(), data: json().optional() },
      result: choice('ok'),
    }),
  },
  notifications: {
    notify_agent_event: notification('An agent connected, disconnected or sent an event', AgentEvent),
  },
})
