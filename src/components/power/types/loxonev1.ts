// [power NAME] of type loxonev1: an output of a Loxone Miniserver of the first generation.
import type { HttpReply } from '../../../core/http-client.ts'
import { credentialsOf, type DriverContext, type PowerDriver } from '../driver.ts'
import { baseUrl, DeviceHttp, httpFailure, jsonOf, LOCAL_ATTEMPTS, valueAt } from './device-http.ts'

export const failure = httpFailure

export async function open(context: DriverContext<'loxonev1'>): Promise<PowerDriver> {
  const { options } = context
  const base = baseUrl(context, options)
  const auth = await credentialsOf(context)
  const http = new DeviceHttp(context, LOCAL_ATTEMPTS)
  const output = `${base}/jdev/sps/io/${encodeURIComponent(options.output_id)}`
  const stateOf = (reply: HttpReply): string => {
    const value = valueAt(jsonOf(reply), 'LL', 'value')
    const state = Number.parseInt(String(value), 10)
    if (Number.isNaN(state))
      throw new Error('the reply of the Miniserver does not contain a number in LL.value')
    return state === 1 ? 'on' : 'off'
  }
  return {
    read: async deadline => stateOf(await http.read({ url: output, auth }, deadline)),
    write: async (to, deadline) => stateOf(await http.send({ url: `${output}/${to}`, auth }, deadline)),
  }
}
