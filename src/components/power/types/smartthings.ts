// [power NAME] of type smartthings: a device of Samsung's SmartThings, through its cloud.
import { type DriverContext, type PowerDriver, renderedOnce } from '../driver.ts'
import { baseUrl, DeviceHttp, httpFailure, jsonOf, QUICK_ATTEMPTS, textAt } from './device-http.ts'

export const failure = httpFailure

export async function open(context: DriverContext<'smartthings'>): Promise<PowerDriver> {
  const { options } = context
  const base = baseUrl(context, options)
  const token = await renderedOnce(context, 'token', options.token)
  const http = new DeviceHttp(context, QUICK_ATTEMPTS, 'kept')
  const device = `${base}/v1/devices/${encodeURIComponent(options.device)}`
  const headers = { Authorization: `Bearer ${token}` }
  return {
    async read(deadline) {
      const url = `${device}/components/main/capabilities/switch/status`
      return textAt(jsonOf(await http.read({ url, headers }, deadline)), 'switch', 'value')
    },
    async write(to, deadline) {
      const body = [{ component: 'main', capability: 'switch', command: to }]
      const reply = await http.send({ url: `${device}/commands`, method: 'POST', headers, body }, deadline)
      return textAt(jsonOf(reply), 'results', 0, 'status') === 'accepted' ? to : 'error'
    },
  }
}
