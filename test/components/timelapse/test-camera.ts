// A camera that the test controls: it sends frames, or fails in one of the ways of real cameras.
import { once } from 'node:events'
import { createServer, type RequestListener } from 'node:http'
import type { AddressInfo } from 'node:net'
import { jpeg } from './test-jpeg.ts'

export class TestCamera implements AsyncDisposable {
  readonly url: string
  /** How it answers; a new picture each time where the test sets nothing. */
  answer: RequestListener
  /** Requests so far, those in progress now, and the most at a time. */
  requests = 0
  inFlight = 0
  mostInFlight = 0
  readonly #close: () => Promise<void>

  private constructor(url: string, close: () => Promise<void>) {
    this.url = url
    this.#close = close
    this.answer = (_req, res) => res.end(jpeg(`picture ${this.requests}`))
  }

  static async start(): Promise<TestCamera> {
    const server = createServer((req, res) => {
      camera.requests += 1
      camera.inFlight += 1
      camera.mostInFlight = Math.max(camera.mostInFlight, camera.inFlight)
      res.on('close', () => {
        camera.inFlight -= 1
      })
      camera.answer(req, res)
    })
    await once(server.listen(0, '127.0.0.1'), 'listening')
    const { port } = server.address() as AddressInfo
    const camera = new TestCamera(`http://127.0.0.1:${port}/snapshot`, async () => {
      server.closeAllConnections()
      await new Promise(resolve => server.close(resolve))
    })
    return camera
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.#close()
  }
}
