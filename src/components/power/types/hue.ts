// [power NAME] of type hue: a light or a group of a Philips Hue bridge.
import { type DriverContext, type PowerDriver, renderedOnce } from '../driver.ts'
import { baseUrl, DeviceHttp, httpFailure, jsonOf, ONE_ATTEMPT, switchAt } from './device-http.ts'

/** Where a kind of device has its state, and where it takes commands. */
const KINDS = {
  light: { folder: 'lights', command: 'state', state: 'on' },
  group: { folder: 'groups', command: 'action', state: 'all_on' },
} as const

export const failure = httpFailure

export async function open(context: DriverContext<'hue'>): Promise<PowerDriver> {
  const { options } = context
  const { folder, command, state } = KINDS[options.device_type]
  const base = baseUrl(context, options)
  const user = await renderedOnce(context, 'user', options.user)
  const http = new DeviceHttp(context, ONE_ATTEMPT, 'kept')
  const path = `/${folder}/${encodeURIComponent(options.device_id)}`
  const url = `${base}/api/${encodeURIComponent(user)}${path}`
  return {
    read: async deadline => switchAt(jsonOf(await http.read({ url }, deadline)), 'state', state),
    async write(to, deadline) {
      const reply = await http.send(
        { url: `${url}/${command}`, method: 'PUT', body: { on: to === 'on' } },
        deadline,
      )
      return switchAt(jsonOf(reply), 0, 'success', `/${folder}/${options.device_id}/${command}/on`)
    },
  }
}
