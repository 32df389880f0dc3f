// What a component is: its section, the services it needs and provides, and how it is built from the core.
import {
  ConfigError,
  type Configuration,
  type OnInvalid,
  type ReadSection,
  type Secrets,
  type SectionOptions,
} from '../config/index.ts'
import type { Clock } from '../core/clock.ts'
import type { EventBus } from '../core/events.ts'
import type { Log } from '../core/log.ts'
import type { DataPaths } from '../core/paths.ts'
import type { Scope } from '../core/scope.ts'
import type { Warnings } from '../core/warnings.ts'
import type { Printer } from '../klippy/printer.ts'
import type { Connections } from '../rpc/connections.ts'
import type { Presence } from '../rpc/presence.ts'
import type { Registry } from '../rpc/registry.ts'
import type { Storage } from '../storage/index.ts'
import type { Host } from './host.ts'
import type { Needs, Provided, Provides, Resolved } from './service.ts'
import type { AfterStart, ServeChapter } from './starting.ts'

/** What belongs to one printer. Every component receives it. */
export interface Core {
  /** What the printers of this process share. */
  readonly host: Host
  readonly registry: Registry
  readonly connections: Connections
  /** Whether clients are present. */
  readonly presence: Presence
  readonly events: EventBus
  readonly printer: Printer
  readonly storage: Storage
  /** Entries carry the name of the component's section. */
  readonly log: Log
  /** The host's clock. */
  readonly clock: Clock
  readonly warnings: Warnings
  readonly paths: DataPaths
  /** For templates, as `secrets`. */
  readonly secrets: Secrets
  /** The id of this data folder, usually 32 hexadecimal digits. */
  readonly instanceId: string
  /** The port of section [server]; 0 for any free port. */
  readonly port: number
  /** The prefix of every HTTP path, as '/printer1'; '' for none. */
  readonly routePrefix: string
  /** The name of the printer in a workshop; null for a printer alone. */
  readonly printerName: string | null
  /** False where another server of this process manages services, power and updates of the machine. */
  readonly managesMachine: boolean
  /** The largest file that may be uploaded, in bytes. */
  readonly maxUploadBytes: number
  /** Errors may contain more, and debug endpoints exist. */
  readonly debug: boolean
}

/** A built component. Only `start` and `stop` do input and output. */
export interface Component {
  start?(): Promise<void> | void
  stop?(): Promise<void> | void
}

/** How the sections `[webcam NAME]` of a component `webcam` are declared. */
export interface NamedSpec<O extends SectionOptions> {
  readonly options: O
  /**
   * Further options that depend on the value of the option `type`, for the documents; the component reads those of a
   * section with `ReadSection.read`.
   */
  readonly byType?: Readonly<Record<string, SectionOptions>>
  /** The warning about a section that is left out; a text that names the section where it is left out. */
  readonly warning?: (name: string, reason: string) => string
}

/**
 * The sections `[webcam NAME]` of a component `webcam`. What is common to all of them, if anything, is in `[webcam]`,
 * the component's own section.
 *
 *     named: { options: { stream_url: string() } },
 *     create({ named }) {
 *       const cameras = named.each(({ name, options }) => new Camera(name, options))
 */
export interface NamedSections<O extends SectionOptions> {
  /**
   * Reads the sections in their order in the file and calls `make` for each. A section with an invalid value, or for
   * which `make` throws a ConfigError (see `ReadSection.error`), becomes a warning and is left out; the others remain.
   */
  each<T>(make: (section: ReadSection<O>) => T): T[]
}

/** What a component is built from. */
export interface BuildContext<O extends SectionOptions, N extends Needs, S extends SectionOptions> {
  readonly core: Core
  /** The component's own section. */
  readonly section: ReadSection<O>
  /** Holds what the component registers. It is closed when the component stops or fails. */
  readonly scope: Scope
  readonly named: NamedSections<S>
  readonly needs: Resolved<N>
  /**
   * As `core.registry.serve`, for methods that reply what `start` reads: a request that comes before the end of the start
   * waits for it.
   */
  readonly serveAfterStart: ServeChapter
}

/** How a component is declared. */
export interface ComponentSpec<
  O extends SectionOptions,
  N extends Needs,
  P extends Provides,
  S extends SectionOptions,
> {
  /** The section's name, under which the component is listed in server.info. */
  readonly section: string
  /** `always`: without a section too, on its defaults. `configured`: only where `[section]` or a named one is written. */
  readonly presence: 'always' | 'configured'
  /** False for a part of the server itself, which server.info does not list. True where it is left out. */
  readonly listed?: boolean
  /** True if the server must not run without the component. False where it is left out. */
  readonly essential?: boolean
  readonly options: O
  /** The sections `[section NAME]`; left out where there are none. */
  readonly named?: NamedSpec<S>
  /** Whether an invalid option fails the component or only this option. `throw` where it is left out. */
  readonly onInvalid?: OnInvalid
  /**
   * The services of other components that this one uses. A required one is built and started before this component,
   * and if it is absent or fails, this component fails.
   */
  readonly needs?: N
  /** The services of this component: each key is the member of the built component that is the service. */
  readonly provides?: P
  /**
   * Builds the component and registers what it serves on `scope`; does no input or output. Throws ConfigError for
   * invalid options.
   */
  create(context: BuildContext<O, N, S>): Component & Provided<P>
}

/** A kind of component, ready to be built from a configuration. */
export interface ComponentType {
  readonly section: string
  readonly presence: 'always' | 'configured'
  readonly listed: boolean
  readonly essential: boolean
  readonly options: SectionOptions
  /** Null where the component has no sections `[section NAME]`. */
  readonly named: NamedSpec<SectionOptions> | null
  readonly needs: Needs
  readonly provides: Provides
  /** `needs` are the services for the type's own `needs`. */
  build(parts: BuildParts): Component & Provided<Provides>
}

/** A component that is loaded only if its section is configured: without it, it needs no memory and no time. */
export interface LazyComponent {
  readonly section: string
  load(): Promise<{ readonly default: ComponentType }>
}

/** What a kind of component is built from. */
export interface BuildParts {
  readonly core: Core
  readonly config: Configuration
  readonly scope: Scope
  readonly needs: Readonly<Record<string, unknown>>
  readonly afterStart: AfterStart
}

type Nothing = Readonly<Record<never, never>>

/** Declares a component, with the types of its options and services worked out. */
export function component<
  O extends SectionOptions,
  N extends Needs = Nothing,
  P extends Provides = Nothing,
  S extends SectionOptions = Nothing,
>(spec: ComponentSpec<O, N, P, S>): ComponentType {
  const { section, presence, listed = true, essential = false, options, onInvalid, named } = spec
  return {
    section,
    presence,
    listed,
    essential,
    options,
    named: named ?? null,
    needs: spec.needs ?? {},
    provides: spec.provides ?? {},
    build: ({ core, config, scope, needs, afterStart }) =>
      spec.create({
        core: { ...core, log: core.log.child(section) },
        section: config.read(section, options, onInvalid),
        scope,
        named: namedSections(core, config, section, named ?? { options: {} as S }),
        needs: needs as Resolved<N>,
        serveAfterStart: (chapter, handlers) => core.registry.serve(chapter, afterStart(handlers)),
      }),
  }
}

function namedSections<S extends SectionOptions>(
  { warnings }: Core,
  config: Configuration,
  kind: string,
  { options, warning }: NamedSpec<S>,
): NamedSections<S> {
  return {
    each(make) {
      return config.named(kind).flatMap(section => {
        try {
          return [make(config.read(section, options))]
        } catch (error) {
          if (!(error instanceof ConfigError)) throw error
          const name = section.slice(kind.length).trim()
          const text = warning?.(name, error.message) ?? `Section [${section}] is left out: ${error.message}`
          warnings.add(text)
          return []
        }
      })
    },
  }
}
