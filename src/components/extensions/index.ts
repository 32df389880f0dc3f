// [extensions]: agents, the clients that extend the server: their list, requests to them, and their events.
import { extensions as chapter } from '../../api/extensions.ts'
import { type Component, type Core, component } from '../../component/component.ts'
import { ApiError } from '../../core/errors.ts'
import { isExactNumber } from '../../core/exact-json.ts'
import type { ClientInfo, Connection } from '../../rpc/connection.ts'
import { Agent } from './agent.ts'

/** Seconds that an agent has for an answer: as long as the usual proxy in front of this server waits. */
const TIMEOUT = 60

/** The agents that are connected. */
class Agents {
  readonly #core: Core
  readonly #all = new Map<Connection, Agent>()

  constructor(core: Core) {
    this.#core = core
    core.connections.onIdentify(connection => this.#arrived(connection))
    core.connections.onClose(connection => this.#left(connection))
  }

  #arrived(connection: Connection): void {
    if (connection.client?.type !== 'agent') return
    const agent = new Agent(this.#core, connection, connection.client.name)
    this.#all.set(connection, agent)
    agent.arrived()
  }

  #left(connection: Connection): void {
    this.#all.get(connection)?.left()
    this.#all.delete(connection)
  }

  list(): ClientInfo[] {
    return [...this.#all.keys()].flatMap(({ client }) => client ?? [])
  }

  /** Throws ApiError 400 where no agent of the name is connected. */
  named(name: string): Agent {
    for (const agent of this.#all.values()) if (agent.name === name) return agent
    throw new ApiError(400, `Agent ${name} not connected`)
  }

  /** The agent of a connection. Throws ApiError 400 for who is none; `what` is what only agents can do. */
  behind(connection: Connection | null, what: string): Agent {
    const agent = connection === null ? undefined : this.#all.get(connection)
    if (agent === undefined) throw new ApiError(400, `Only connections of the 'agent' type can ${what}`)
    return agent
  }
}

function checkArguments(args: unknown): void {
  if (args === undefined || (typeof args === 'object' && !isExactNumber(args))) return
  throw new ApiError(400, "The 'arguments' field must contain an object or a list")
}

export default component({
  section: 'extensions',
  presence: 'always',
  options: {},
  create({ core, scope }): Component {
    const agents = new Agents(core)
    scope.use(
      core.registry.serve(chapter, {
        'server.extensions.list': () => ({ agents: agents.list() }),
        'server.extensions.request': ({ agent, method, arguments: args }) => {
          checkArguments(args)
          return agents.named(agent).request(method, args, TIMEOUT)
        },
        'connection.register_remote_method': ({ method_name }, { connection }) => {
          agents.behind(connection, 'register methods').registerMethod(method_name)
          return 'ok' as const
        },
        'connection.send_event': ({ event, data }, { connection }) => {
          agents.behind(connection, 'send events').sendEvent(event, data)
          return 'ok' as const
        },
      }),
    )
    return {}
  },
})
