// `http_request` and its response, for templates that send requests: in [power NAME] of type http and in [button NAME].
import { sleep } from '../core/clock.ts'
import { ApiError, messageOf } from '../core/errors.ts'
import type { HttpReply } from '../core/http-client.ts'
import { splitArguments, type TemplateObject } from '../template/index.ts'
import type { Core } from './component.ts'
import { templateText } from './section-template.ts'

/** What a request contains before the template changes it. */
export interface TemplateRequestDefaults {
  readonly method?: string
  readonly url?: string
  readonly auth?: { readonly username: string; readonly password: string }
}

/** Sends a request of a template. Rejects if there is no reply, and where the templates expect it for an error status. */
export type TemplateSend = (request: {
  readonly method: string
  readonly url: string
  readonly headers: Readonly<Record<string, string>>
  readonly body?: string
  readonly auth?: { readonly username: string; readonly password: string }
}) => Promise<HttpReply>

/** `http_request`: a request that a template fills and sends. `send` bounds time and size. */
export class TemplateRequest implements TemplateObject {
  readonly typeName = 'HttpRequest'
  readonly #defaults: TemplateRequestDefaults
  readonly #send: TemplateSend
  readonly #methods: Readonly<Record<string, unknown>>
  #method = 'GET'
  #url = ''
  #headers: Record<string, string> = {}
  #body: unknown
  #last: TemplateResponse | null = null

  constructor(defaults: TemplateRequestDefaults, send: TemplateSend) {
    this.#defaults = defaults
    this.#send = send
    this.#reset()
    this.#methods = {
      set_method: (method: unknown) => this.#change(() => (this.#method = String(method).toUpperCase())),
      set_url: (url: unknown) => this.#change(() => (this.#url = String(url))),
      set_body: (body: unknown) => this.#change(() => (this.#body = body)),
      add_header: (name: unknown, value: unknown) =>
        this.#change(() => (this.#headers[String(name)] = String(value))),
      set_headers: (headers: unknown) => this.#change(() => (this.#headers = headersOf(headers))),
      reset: () => this.#change(() => this.#reset()),
      send: (...received: readonly unknown[]) => this.#sendWith(splitArguments(received).named),
      last_response: () => this.#last,
    }
  }

  getItem(key: unknown): unknown {
    return typeof key === 'string' && Object.hasOwn(this.#methods, key) ? this.#methods[key] : undefined
  }

  /** The response to the last request; null before the first. */
  get lastResponse(): TemplateResponse | null {
    return this.#last
  }

  /** Sends the request as it is. */
  send(): Promise<TemplateResponse> {
    return this.#sendWith({})
  }

  #reset(): void {
    this.#method = this.#defaults.method ?? 'GET'
    this.#url = this.#defaults.url ?? ''
    this.#headers = {}
    this.#body = undefined
  }

  /** The template gets None. */
  #change(work: () => void): null {
    work()
    return null
  }

  async #sendWith(changes: Readonly<Record<string, unknown>>): Promise<TemplateResponse> {
    const { method = this.#method, url = this.#url, headers, body = this.#body } = changes
    const { text, isJson } = bodyText(body)
    const reply = await this.#send({
      method: String(method).toUpperCase(),
      url: String(url),
      headers: {
        ...(isJson && { 'Content-Type': 'application/json' }),
        ...(headers === undefined ? this.#headers : headersOf(headers)),
      },
      ...(text !== undefined && { body: text }),
      ...(this.#defaults.auth !== undefined && { auth: this.#defaults.auth }),
    })
    this.#last = new TemplateResponse(String(url), reply)
    return this.#last
  }
}

/** The context of the templates of one request: `http_request`, and `async_sleep`, which ends with `signal`. */
export function requestContext(
  { clock }: Pick<Core, 'clock'>,
  request: TemplateRequest,
  signal: AbortSignal,
) {
  return {
    http_request: request,
    async_sleep: async (seconds: unknown) => {
      await sleep(clock, Number(seconds) || 0, signal)
      return null
    },
  }
}

function headersOf(given: unknown): Record<string, string> {
  if (typeof given !== 'object' || given === null) {
    throw new ApiError(400, 'the headers of a request must be a dict')
  }
  return Object.fromEntries(Object.entries(given).map(([name, value]) => [name, String(value)]))
}

function bodyText(body: unknown): { readonly text: string | undefined; readonly isJson: boolean } {
  if (body === undefined || body === null) return { text: undefined, isJson: false }
  const isJson = typeof body === 'object'
  return { text: isJson ? JSON.stringify(body) : templateText(body), isJson }
}

/** A response as templates read it. */
export class TemplateResponse implements TemplateObject {
  readonly typeName = 'HttpResponse'
  readonly #url: string
  readonly #reply: HttpReply

  constructor(url: string, reply: HttpReply) {
    this.#url = url
    this.#reply = reply
  }

  getItem(key: unknown): unknown {
    const { status, statusText, headers, url, body } = this.#reply
    const hasError = status < 200 || status > 299
    const problem = `HTTP ${status}: ${statusText}`
    switch (key) {
      case 'json':
        return () => parse(body.toString())
      case 'text':
      case 'content':
        return body.toString()
      case 'url':
        return this.#url
      case 'final_url':
        return url
      case 'status_code':
        return status
      case 'headers':
        return headersObject(headers)
      case 'etag':
        return headers.etag ?? null
      case 'last_modified':
        return headers['last-modified'] ?? null
      case 'encoding':
        return 'utf-8'
      case 'error':
        return hasError ? problem : null
      case 'has_error':
        return () => hasError
      case 'raise_for_status':
        return (message?: unknown) => {
          if (hasError) throw new ApiError(status >= 400 ? status : 500, templateText(message ?? problem))
          return null
        }
      default:
        return undefined
    }
  }
}

function parse(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch (error) {
    throw new Error(`the response is not JSON: ${messageOf(error)}`)
  }
}

/** Headers by name, in upper or lower case. */
function headersObject(headers: HttpReply['headers']): TemplateObject {
  const get = (name: unknown, otherwise: unknown = null) => headers[String(name).toLowerCase()] ?? otherwise
  return {
    typeName: 'HttpHeaders',
    getItem: key => (key === 'get' ? get : (get(key, undefined) ?? undefined)),
    keys: () => Object.keys(headers),
  }
}
