// [webcam NAME] and the webcams of the database: the URLs from which front-ends fetch the pictures of the printer. The
// server relays no pictures.
import { webcam as chapter, type Webcam, type WebcamTest, webcamSettings } from '../../api/webcam.ts'
import { type Core, component, type NamedSections } from '../../component/component.ts'
import { ConcurrencyLimit } from '../../core/concurrency-limit.ts'
import { HttpClientError } from '../../core/http-client.ts'
import type { Infer } from '../../schema/index.ts'
import { localUrl } from './local-url.ts'
import { webcamService } from './service.ts'
import { configuredUid } from './uid.ts'
import { Webcams } from './webcams.ts'

/** How long a test waits for a snapshot; the original waits as long. */
const TEST_SECONDS = 2
/** Tests that run at a time: each sends requests to other machines, in the server's name. */
const MAX_TESTS = 8

/** The webcams of the configuration; their uids depend on the instance id of the server. */
function readConfigured(
  { instanceId }: Core,
  named: NamedSections<typeof webcamSettings>,
): readonly Webcam[] {
  const names = new Set<string>()
  return named.each(section => {
    const { name, options } = section
    if (names.has(name))
      throw section.error('another section has the same name; give this one a name of its own')
    names.add(name)
    return { name, ...options, source: 'config', extra_data: {}, uid: configuredUid(instanceId, name) }
  })
}

/** Whether the URL works. The headers are enough: a stream has no end. */
async function answers({ log, host }: Core, { name }: Webcam, url: string): Promise<boolean> {
  if (!/^https?:/i.test(url)) return false
  try {
    const { status } = await host.http.send({
      url,
      timeoutSeconds: TEST_SECONDS,
      maxBytes: 0,
      headersOnly: true,
    })
    return status >= 200 && status < 300
  } catch (error) {
    if (!(error instanceof HttpClientError)) throw error
    log.debug(`webcam ${name}: no snapshot: ${error.message}`)
    return false
  }
}

/** Tests webcams, some at a time. */
class CameraTests {
  readonly #core: Core
  readonly #limit = new ConcurrencyLimit({ what: 'webcam tests', maxRunning: MAX_TESTS, maxQueued: 0 })

  constructor(core: Core) {
    this.#core = core
  }

  /** Rejects with ApiError 503 while too many run. */
  run(cam: Webcam): Promise<Infer<typeof WebcamTest>> {
    return this.#limit.run(async () => {
      const [snapshot_url, stream_url] = await Promise.all([
        localUrl(cam.snapshot_url),
        localUrl(cam.stream_url),
      ])
      const snapshot_reachable = await answers(this.#core, cam, snapshot_url)
      return { name: cam.name, snapshot_reachable, snapshot_url, stream_url }
    })
  }
}

export default component({
  section: 'webcam',
  presence: 'always',
  options: {},
  named: { options: webcamSettings },
  provides: { webcams: webcamService },
  create({ core, scope, named }) {
    const webcams = new Webcams(core.storage.namespaces, readConfigured(core, named))
    const tests = new CameraTests(core)
    const changed = (webcam: Webcam) => {
      core.connections.notify('notify_webcams_changed', { webcams: webcams.list() })
      return { webcam }
    }
    scope.use(
      core.registry.serve(chapter, {
        'server.webcams.list': () => ({ webcams: webcams.list() }),
        'server.webcams.get_item': which => ({ webcam: webcams.get(which) }),
        'server.webcams.post_item': async change => changed(await webcams.save(change)),
        'server.webcams.delete_item': async which => changed(await webcams.delete(which)),
        'server.webcams.test': which => tests.run(webcams.get(which)),
      }),
    )
    return {
      webcams: { list: () => webcams.list(), snapshotUrl: ({ snapshot_url }) => localUrl(snapshot_url) },
      start() {
        for (const text of webcams.hidden()) core.log.warning(text)
      },
    }
  },
})
