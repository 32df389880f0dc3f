// The components of one server. One that fails is reported and left out, and the others live.
import type { Component, ComponentType, Core } from '../component/component.ts'
import { ConfigError, type Configuration } from '../config/index.ts'
import { messageOf } from '../core/errors.ts'
import { Scope } from '../core/scope.ts'

/** A component with what belongs to it. */
interface Built {
  readonly name: string
  readonly component: Component
  readonly scope: Scope
}

export class ComponentSet {
  readonly #core: Core
  readonly #config: Configuration
  readonly #failed: string[] = []
  #built: Built[] = []

  constructor(core: Core, config: Configuration) {
    this.#core = core
    this.#config = config
  }

  /** The sections of those that work, in the order in which they were built. */
  get names(): string[] {
    return this.#built.map(({ name }) => name)
  }

  /** The sections of those that do not. */
  get failed(): string[] {
    return [...this.#failed]
  }

  /** Builds a component; undefined where it is not configured or cannot be built. */
  build<C extends Component>(type: ComponentType<C>): C | undefined {
    const { section, presence } = type
    if (presence === 'configured' && !this.#config.has(section)) return undefined
    const scope = new Scope()
    try {
      const component = type.build(this.#core, this.#config, scope)
      this.#built.push({ name: section, component, scope })
      return component
    } catch (error) {
      scope.close()
      this.#fail(section, error)
      return undefined
    }
  }

  /** Starts them beside each other. */
  async start(): Promise<void> {
    const start = async (built: Built): Promise<void> => {
      try {
        await built.component.start?.()
      } catch (error) {
        this.#fail(built.name, error)
        built.scope.close()
        this.#built = this.#built.filter(other => other !== built)
      }
    }
    await Promise.all(this.#built.map(start))
  }

  /** Stops them, the newest first; what fails to stop does not keep the rest. */
  async stop(): Promise<void> {
    const built = this.#built.reverse()
    this.#built = []
    for (const { name, component, scope } of built) {
      try {
        await component.stop?.()
      } catch (error) {
        this.#core.log.error(`component [${name}] did not stop cleanly`, error)
      }
      scope.close()
    }
  }

  #fail(section: string, error: unknown): void {
    const { log, warnings } = this.#core
    this.#failed.push(section)
    warnings.add(`Component [${section}] does not work: ${messageOf(error)}`)
    if (!(error instanceof ConfigError)) log.error(`component [${section}]`, error)
  }
}
