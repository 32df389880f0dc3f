// API document: "Extension APIs". Agents are clients that answer others, tell events and serve Klipper's macros.
import { choice, json, list, object, string } from '../schema/index.ts'
import { chapter, notification } from './chapter.ts'
import { get, post, rpcOnly } from './endpoint.ts'

const Agent = object({
  name: string(),
  version: string(),
  type: string().describe('agent'),
  url: string(),
})

/** What happened to an agent, or what it tells. */
export const AgentEvent = object({
  agent: string(),
  event: string().describe("Of the agent's choice; connected and disconnected come from the server"),
  data: json().describe('Of the agent; its identity where it has connected').optional(),
})

export const extensions = chapter({
  title: 'Extension APIs',
  about: 'Programs that add methods of their own',
  methods: {
    'server.extensions.list': get('/server/extensions/list', {
      summary: 'The agents that are connected',
      result: object({ agents: list(Agent) }),
    }),
    'server.extensions.request': post('/server/extensions/request', {
      summary: 'Call a method of an agent; its answer is the result, its error the data of error 424',
      params: {
        agent: string(),
        method: string(),
        arguments: json().describe('An object or a list').optional(),
      },
      result: json(),
    }),
    'connection.register_remote_method': rpcOnly({
      summary: 'Let macros of Klipper call a method of this agent, until it disconnects',
      params: { method_name: string() },
      result: choice('ok'),
    }),
    'connection.send_event': rpcOnly({
      summary: 'Tell all other clients an event of this agent',
      params: { event: string(), data: json().optional() },
      result: choice('ok'),
    }),
  },
  notifications: {
    notify_agent_event: notification('An agent connected, disconnected or sent an event', AgentEvent),
  },
})
