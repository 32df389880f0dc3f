// [power NAME] of type loxonev1: an output of a Loxone Miniserver of the first generation.
import { credentialsOf, type DriverContext, type PowerDriver } from '../driver.ts'
import { baseUrl, DeviceHttp, httpFailure, LOCAL_ATTEMPTS, valueAt } from './device-http.ts'

export const failure = httpFailure

export async function open(context: DriverContext<'loxonev1'>): Promise<PowerDriver> {
  const { core, options } = context
  const base = baseUrl(context, options)
  const auth = await credentialsOf(context)
  const http = new DeviceHttp(core, LOCAL_ATTEMPTS)
  const output = `${base}/jdev/sps/io/${encodeURIComponent(options.output_id)}`
  const request = async (url: string, signal: AbortSignal): Promise<string> => {
    const value = valueAt(await http.json({ url, auth }, signal), 'LL', 'value')
    const state = Number.parseInt(String(value), 10)
    if (Number.isNaN(state))
      throw new Error('the reply of the Miniserver does not contain a number in LL.value')
    return state === 1 ? 'on' : 'off'
  }
  return {
    read: signal => request(output, signal),
    write: (to, signal) => request(`${output}/${to}`, signal),
  }
}
