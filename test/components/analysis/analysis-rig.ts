// A server with a virtual printer whose machine the server knows, and a client.
import { type RigOptions, startRig } from '../../support/rig.ts'
import { type Frame, WebClient } from '../../support/web-client.ts'
import { upload } from '../files/form.ts'

/** A print of one layer: two lines of 50 mm. */
export const PRINT =
  'G28\nM83\n;LAYER_CHANGE\n;TYPE:Perimeter\nG1 X60 Y60 Z0.2 F3000\nG1 X110 E2\nG1 Y110 E2\n'

export async function startAnalysis(options: RigOptions = {}) {
  const rig = await startRig(options)
  const client = await WebClient.open(rig.url)
  const call = async (method: string, params?: unknown): Promise<Frame> => {
    const { result, error } = await client.call(method, params)
    if (error !== undefined) throw new Error(error.message)
    return result
  }
  while ((await call('server.analysis.status')).machine.source !== 'klipper') await call('server.info')
  return {
    rig,
    client,
    call,
    /** Uploads a file; resolves with the notification of its analysis. */
    async analyse(filename: string, gcode: string | Buffer): Promise<Frame> {
      await upload(rig.port, filename, gcode)
      const { params } = await client.find(
        ({ method, params: [file] = [] }) => method === 'notify_file_analyzed' && file.filename === filename,
      )
      return params[0]
    },
    async analysisOf(filename: string): Promise<Frame> {
      return (await call('server.files.metadata', { filename })).analysis
    },
    async [Symbol.asyncDispose]() {
      client[Symbol.dispose]()
      await rig[Symbol.asyncDispose]()
    },
  }
}
