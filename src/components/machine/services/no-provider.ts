// The provider none, without a service manager. Its errors contain the reason.
import { ApiError } from '../../../core/errors.ts'
import type { Provider } from './provider.ts'

/** `why` is the end of a sentence. */
export function noProvider(why: string): Provider {
  const refuse = () =>
    Promise.reject(new ApiError(503, `Services and power of this machine cannot be managed: ${why}`))
  return {
    name: 'none',
    open: () => Promise.resolve(new Map()),
    list: () => Promise.resolve(new Map()),
    act: refuse,
    restartOwn: refuse,
    power: refuse,
    unitOf: () => Promise.resolve(null),
    stop: () => undefined,
  }
}
