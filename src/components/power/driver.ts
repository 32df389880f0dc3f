// The interface of the types of power devices: each type reads the state of one kind of device and switches it.
import type { Core } from '../../component/component.ts'
import { SectionTemplate } from '../../component/section-template.ts'
import type { ReadSection } from '../../config/index.ts'
import type { Scope } from '../../core/scope.ts'
import type { MqttBroker } from '../mqtt/service.ts'
import type { Deadline } from './deadline.ts'
import type { DeviceOptions, deviceOptions, OptionsOf, PowerType } from './options.ts'

/** The state to switch to. */
export type Wanted = 'on' | 'off'

/** One device of one type. Every call ends at its deadline. */
export interface PowerDriver {
  /** The time that a request may take; 10 s by default. */
  readonly timeoutSeconds?: number
  /** Seconds after which the server switches a device off again that was switched on. */
  readonly offAfterSeconds?: number | undefined
  /** Reads the state: on, off, or another text. Rejects if the device does not reply, or not as expected. */
  read(deadline: Deadline): Promise<string>
  /** Switches; resolves with the state after it. Rejects as `read` does; an ApiError is the reply to the client. */
  write(to: Wanted, deadline: Deadline): Promise<string>
  /** Further fields of the record. */
  facts?(): { readonly is_shutdown?: boolean }
  /** Starts to follow a device that reports its changes. */
  start?(): Promise<void> | void
  stop?(): void
}

/** What a driver is made from. */
export interface DriverContext<T extends PowerType> {
  readonly core: Core
  /** Is closed when the component stops. */
  readonly scope: Scope
  /** The name of the device. */
  readonly name: string
  readonly section: ReadSection<typeof deviceOptions>
  readonly common: DeviceOptions
  readonly options: OptionsOf<T>
  /** For devices that report changes: the device has this state now. */
  readonly report: (state: string) => void
  /** For devices that can be read now, and could not before. */
  readonly refresh: () => void
  /** The broker; null while the component [mqtt] does not work. */
  readonly mqtt: () => MqttBroker | null
}

/** A module in `types`. */
export interface DriverModule<T extends PowerType> {
  /** The error text for a client whose command failed; the original's texts, which differ by type. */
  readonly failure: (name: string, to: Wanted) => string
  /** Does no requests. Throws or rejects with ConfigError for options that cannot be used. */
  readonly open: (context: DriverContext<T>) => PowerDriver | Promise<PowerDriver>
}

/** Compiles an option of the device. Throws ConfigError. */
export function templateOf(
  { core, section }: Pick<DriverContext<PowerType>, 'core' | 'section'>,
  option: string,
  source: string,
): SectionTemplate {
  return new SectionTemplate(core, section, option, source)
}

/** The value of an option that is rendered once, at the start. Rejects with ConfigError. */
export function renderedOnce(
  context: Pick<DriverContext<PowerType>, 'core' | 'section'>,
  option: string,
  source: string,
): Promise<string> {
  return templateOf(context, option, source).renderOnce()
}

/** User and password, rendered once. Rejects with ConfigError. */
export async function credentialsOf(
  context: Pick<
    DriverContext<'http' | 'tasmota' | 'shelly' | 'homeseer' | 'loxonev1'>,
    'core' | 'section' | 'options'
  >,
): Promise<{ readonly username: string; readonly password: string }> {
  const { user, password } = context.options
  return {
    username: await renderedOnce(context, 'user', user),
    password: await renderedOnce(context, 'password', password),
  }
}
