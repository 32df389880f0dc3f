// One [notifier NAME]: renders its templates for an event and gives the message to its delivery.
import type { Core } from '../../component/component.ts'
import { SectionTemplate } from '../../component/section-template.ts'
import { commas, type ReadSection, template, word } from '../../config/index.ts'
import { messageOf } from '../../core/errors.ts'
import { createAppriseSender, hasApprise } from './apprise-command.ts'
import { readAttachments } from './attachments.ts'
import { Delivery } from './delivery.ts'
import { BODY_FORMATS, type Message } from './message.ts'
import { NATIVE_SCHEMES, nativeSender } from './native-senders.ts'
import type { Send } from './sender.ts'
import { parseServiceUrl } from './service-url.ts'
import { storeUndelivered, takeUndelivered } from './undelivered.ts'

/** Sends for every event. */
const ALL_EVENTS = '*'

/** The options of [notifier NAME]. */
export const notifierOptions = {
  url: template().describe('Where messages go, as a URL of Apprise'),
  events: commas().describe(
    'Events that send a message: started, complete, error, cancelled, paused, resumed, or * for all',
  ),
  body: template().nullable().describe('The text; the name of the event by default').default(null),
  title: template().nullable().describe('The title').default(null),
  body_format: word(...BODY_FORMATS)
    .nullable()
    .describe('The format of the text; text by default')
    .default(null),
  attach: template().nullable().describe('Files to attach, a path or URL on each line').default(null),
}

/** What the templates of a message can use. */
export interface EventContext {
  readonly event_name: string
  readonly event_args: readonly unknown[]
  /** The text of the remote method `notify`; '' for other events. */
  readonly event_message: string
}

type Section = ReadSection<typeof notifierOptions>

/** The compiled templates of a section. */
interface Templates {
  readonly url: SectionTemplate
  readonly body: SectionTemplate | null
  readonly title: SectionTemplate | null
  readonly attach: SectionTemplate | null
}

export class Notifier {
  readonly name: string
  readonly #core: Core
  readonly #section: Section
  readonly #templates: Templates
  #delivery: Delivery | null = null

  /** Throws ConfigError for a text that is not a template. */
  constructor(core: Core, section: Section) {
    this.#core = core
    this.#section = section
    this.name = section.name
    const { url, body, title, attach } = section.options
    const compile = (option: string, text: string | null) =>
      text === null || text === '' ? null : new SectionTemplate(core, section, option, text)
    this.#templates = {
      url: new SectionTemplate(core, section, 'url', url),
      body: compile('body', body),
      title: compile('title', title),
      attach: compile('attach', attach),
    }
  }

  /** The first event that it sends, for tests. */
  get firstEvent(): string {
    return this.#section.options.events[0] ?? ''
  }

  /** Finds the sender for its URL. Rejects with ConfigError if no sender can use the URL. */
  async start(): Promise<void> {
    const url = await this.#templates.url.renderOnce()
    this.#delivery = new Delivery({
      send: await this.#senderFor(url),
      clock: this.#core.clock,
      warn: text => this.#core.log.warning(`[${this.#section.section}] not delivered: ${text}`),
    })
    for (const message of await takeUndelivered(this.#core, this.name)) {
      this.#delivery.add(Promise.resolve(message))
    }
  }

  /** Sends what waits, within a limit of time. What is left is stored, for the next start. */
  async stop(): Promise<void> {
    const left = (await this.#delivery?.stop()) ?? []
    if (left.length > 0) await storeUndelivered(this.#core, this.name, left)
  }

  /** Whether it sends a message for the event. */
  handles(event: string): boolean {
    const { events } = this.#section.options
    return events.includes(event) || events.includes(ALL_EVENTS)
  }

  /** Sends a message for an event, after its earlier messages. Failures are logged. */
  notify(context: EventContext): void {
    // The templates see the values of the event, however long the delivery takes.
    this.#delivery?.add(this.#render(context))
  }

  /** Sends a message now. Rejects with ApiError for a template that fails, with DeliveryError for the delivery. */
  async test(context: EventContext): Promise<void> {
    await this.#delivery?.sendOnce(await this.#render(context))
  }

  /** As `server.notifiers.list` shows it, with templates as they are written. */
  describe() {
    const { url, title, body, body_format, events, attach } = this.#section.options
    return { name: this.name, url, title, body, body_format, events, attach }
  }

  async #senderFor(text: string): Promise<Send> {
    const problem = (reason: string) => this.#section.error(reason, 'url')
    try {
      const url = parseServiceUrl(text)
      const create = await nativeSender(url.scheme)
      if (create !== undefined) return create(url, this.#core.host.http)
      if (await hasApprise()) return createAppriseSender(text)
      throw new Error(
        `the service '${url.scheme}' needs the program apprise (pip install apprise). ` +
          `Without it, these services work: ${NATIVE_SCHEMES.join(', ')}`,
      )
    } catch (error) {
      throw problem(messageOf(error))
    }
  }

  async #render(context: EventContext): Promise<Message> {
    const { body, title, attach } = this.#templates
    const values = { ...context }
    const render = async (one: SectionTemplate | null, absent: string) =>
      (await one?.render(values)) ?? absent
    const [text, heading, files] = await Promise.all([
      render(body, context.event_name),
      render(title, ''),
      render(attach, ''),
    ])
    const attachments = await readAttachments(files, {
      http: this.#core.host.http,
      folder: this.#core.paths.data,
      warn: reason => this.#core.log.warning(`[${this.#section.section}] ${reason}`),
    })
    return { title: heading, body: text, format: this.#section.options.body_format ?? 'text', attachments }
  }
}
