// [power NAME] of type http: any device with an HTTP interface. Templates make the request and read the response.
import {
  requestContext,
  TemplateRequest,
  type TemplateRequestDefaults,
  TemplateResponse,
} from '../../../component/template-http.ts'
import { messageOf } from '../../../core/errors.ts'
import type { Deadline } from '../deadline.ts'
import {
  credentialsOf,
  type DriverContext,
  type PowerDriver,
  renderedOnce,
  templateOf,
  type Wanted,
} from '../driver.ts'
import { DeviceHttp, httpFailure, LOCAL_ATTEMPTS } from './device-http.ts'

export const failure = httpFailure

export async function open(context: DriverContext<'http'>): Promise<PowerDriver> {
  const { core, options } = context
  const responseTemplate = templateOf(context, 'response_template', options.response_template)
  const requestTemplate =
    options.request_template === undefined
      ? null
      : templateOf(context, 'request_template', options.request_template)
  const urls = {
    on: await urlOf(context, 'on_url'),
    off: await urlOf(context, 'off_url'),
    status: await urlOf(context, 'status_url'),
  }
  const auth = await credentialsOf(context)
  const http = new DeviceHttp(context, LOCAL_ATTEMPTS)

  const run = async (command: Wanted | 'status', deadline: Deadline): Promise<string> => {
    const defaults: TemplateRequestDefaults = { url: urls[command], auth }
    const request = new TemplateRequest(defaults, sent =>
      command === 'status' ? http.read(sent, deadline) : http.send(sent, deadline),
    )
    const variables = { command, urls, ...requestContext(core, request, deadline.signal) }
    if (requestTemplate === null) await request.send()
    else await requestTemplate.render(variables)
    if (!(request.lastResponse instanceof TemplateResponse)) {
      throw new Error('the template "request_template" did not send a request with http_request.send()')
    }
    const state = (await responseTemplate.render(variables)).toLowerCase()
    if (state === 'on' || state === 'off') return state
    throw new Error(`the template "response_template" must give on or off, not ${JSON.stringify(state)}`)
  }
  /** The client gets the error text of every device; what the template reports is for the log. */
  const write = (to: Wanted, deadline: Deadline) =>
    run(to, deadline).catch((error: unknown) => {
      throw new Error(messageOf(error), { cause: error })
    })
  return { read: deadline => run('status', deadline), write }
}

async function urlOf(
  context: DriverContext<'http'>,
  option: 'on_url' | 'off_url' | 'status_url',
): Promise<string> {
  const text = await renderedOnce(context, option, context.options[option])
  const url = URL.parse(text)
  if (url?.protocol === 'http:' || url?.protocol === 'https:') return text
  const { section } = context
  throw section.error(
    `the option "${option}" of section [${section.section}] must be a URL that starts with http:// or https://`,
    option,
  )
}
