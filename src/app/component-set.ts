// The components of one server: built in the order of their needs, started, stopped. One that fails is reported and
// left out, and the others continue.
import type { Component, ComponentType, Core } from '../component/component.ts'
import type { Needs, Service } from '../component/service.ts'
import { Starting } from '../component/starting.ts'
import { ConfigError, type Configuration } from '../config/index.ts'
import { messageOf, StartError } from '../core/errors.ts'
import { Scope } from '../core/scope.ts'
import { providersOf, requiredServices, sortComponents } from './component-order.ts'

/** What a set is made from. */
export interface ComponentSetOptions {
  readonly core: Core
  readonly config: Configuration
  readonly types: readonly ComponentType[]
  /** Services of the server itself, by name. */
  readonly services?: ReadonlyMap<string, unknown>
}

/** A component with what belongs to it. */
interface Built {
  readonly type: ComponentType
  readonly component: Component
  readonly scope: Scope
  readonly starting: Starting
}

/** A required service whose component does not run. */
class NeedError extends Error {
  override readonly name = 'NeedError'
}

export class ComponentSet {
  readonly #core: Core
  readonly #config: Configuration
  readonly #types: readonly ComponentType[]
  readonly #providers: ReadonlyMap<string, ComponentType>
  /** The services that can be used now, by name. */
  readonly #services: Map<string, unknown>
  readonly #failed: string[] = []
  #built: Built[] = []
  /** Those of `names`, while they do not change. */
  #names: string[] | null = null
  #started = false

  /** Throws Error if the types do not fit together: see `sortComponents`. */
  constructor({ core, config, types, services = new Map() }: ComponentSetOptions) {
    const given = new Set(services.keys())
    this.#core = core
    this.#config = config
    this.#types = sortComponents(types, given)
    this.#providers = providersOf(types, given)
    this.#services = new Map(services)
  }

  /** The sections of the components that work, in the order in which they were built. */
  get names(): string[] {
    this.#names ??= this.#built.filter(({ type }) => type.listed).map(({ type }) => type.section)
    return this.#names
  }

  /** The sections of the components that failed. */
  get failed(): string[] {
    return [...this.#failed]
  }

  /** Whether every component has started or failed. */
  get started(): boolean {
    return this.#started
  }

  /** A service; null while its component does not work. */
  find<T>({ name }: Service<T>): T | null {
    return (this.#services.get(name) as T | undefined) ?? null
  }

  /** Builds the configured components. Throws StartError if an essential one cannot be built. */
  build(): void {
    for (const type of this.#types) {
      if (type.presence === 'always' || this.#config.has(type.section)) this.#build(type)
    }
  }

  #build(type: ComponentType): void {
    const scope = new Scope()
    const starting = new Starting(this.#core.clock)
    try {
      const needs = this.#resolve(type.needs)
      const component = type.build({
        core: this.#core,
        config: this.#config,
        scope,
        needs,
        afterStart: starting.hold,
      })
      for (const [member, { name }] of Object.entries(type.provides)) {
        this.#services.set(name, (component as Readonly<Record<string, unknown>>)[member])
      }
      this.#built.push({ type, component, scope, starting })
      this.#names = null
    } catch (error) {
      scope.close()
      this.#fail(type, error)
    }
  }

  #resolve(needs: Needs): Readonly<Record<string, unknown>> {
    return Object.fromEntries(
      Object.entries(needs).map(([key, need]) => [
        key,
        'optional' in need ? () => this.find(need.optional) : this.#require(need),
      ]),
    )
  }

  #require(service: Service<unknown>): unknown {
    if (this.#services.has(service.name)) return this.#services.get(service.name)
    const { section } = this.#providers.get(service.name) as ComponentType
    const why = this.#failed.includes(section)
      ? 'which does not work'
      : 'which is not configured; add that section to moonraker.conf'
    throw new NeedError(`it needs the component [${section}], ${why}`)
  }

  /**
   * Starts the components: each after those whose services it requires, the others at the same time. Rejects with
   * StartError if an essential one fails.
   */
  async start(): Promise<void> {
    const starts = new Map<ComponentType, Promise<void>>()
    for (const built of this.#built) {
      const required = requiredServices(built.type.needs).flatMap(
        ({ name }) => this.#providers.get(name) ?? [],
      )
      const before = required.flatMap(type => starts.get(type) ?? [])
      starts.set(built.type, this.#start(built, Promise.all(before)))
    }
    await Promise.all(starts.values())
    this.#started = true
  }

  async #start(built: Built, providersStarted: Promise<unknown>): Promise<void> {
    await providersStarted
    try {
      for (const service of requiredServices(built.type.needs)) this.#require(service)
      await built.component.start?.()
      built.starting.succeeded()
    } catch (error) {
      this.#remove(built)
      built.scope.close()
      this.#built = this.#built.filter(other => other !== built)
      this.#names = null
      built.starting.failed(`The component [${built.type.section}] does not work: see the warnings`)
      this.#fail(built.type, error)
    }
  }

  /** Stops the components, the newest first; one that fails to stop does not keep the others. */
  async stop(): Promise<void> {
    const built = this.#built.reverse()
    this.#built = []
    this.#names = null
    for (const each of built) {
      const { type, component, scope, starting } = each
      this.#remove(each)
      starting.failed('The server stops')
      try {
        await component.stop?.()
      } catch (error) {
        this.#core.log.error(`component [${type.section}] did not stop cleanly`, error)
      }
      scope.close()
    }
  }

  /** Removes the services of the component from those that can be used. */
  #remove({ type }: Built): void {
    for (const { name } of Object.values(type.provides)) this.#services.delete(name)
  }

  #fail({ section, essential }: ComponentType, error: unknown): void {
    const { log, warnings } = this.#core
    this.#failed.push(section)
    warnings.add(`Component [${section}] does not work: ${messageOf(error)}`)
    const isExpected = error instanceof ConfigError || error instanceof NeedError
    if (!isExpected) log.error(`component [${section}]`, error)
    if (essential) throw new StartError(warnings.list().join('\n'))
  }
}
