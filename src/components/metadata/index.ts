// The component that reads G-code files: their metadata and pictures. It also prepares binary G-code for prints.
import { component } from '../../component/component.ts'
import { filesService } from '../files/service.ts'
import { MetadataService } from './metadata-service.ts'
import { objectProcessor } from './objects/spec.ts'
import { PlainGcode } from './plain-gcode.ts'
import { fileProcessorsService, metadataService } from './service.ts'

export default component({
  section: 'metadata',
  presence: 'always',
  options: {},
  needs: { files: filesService },
  provides: { source: metadataService, processors: fileProcessorsService },
  create({ core, scope, needs: { files } }) {
    const source = new MetadataService(core, files)
    const { processors } = source
    if (files.processesObjects) scope.use(processors.register(objectProcessor))
    const plainGcode = new PlainGcode({ core, files, read: path => source.prepare(path) })
    scope.use(core.printer.preparePrints((path, signal) => plainGcode.toPrint(path, signal)))
    scope.use(core.events.on('files:changed', change => plainGcode.changed(change)))
    scope.use(
      core.events.on('klippy:status', ({ virtual_sdcard: card }) =>
        card !== undefined && 'file_path' in card ? plainGcode.unloaded() : undefined,
      ),
    )
    scope.use(core.events.on('klippy:disconnected', () => plainGcode.unloaded()))
    scope.use(core.events.on('files:changed', change => source.changed(change)))
    scope.use(
      core.events.on('history:changed', (action, job) =>
        action === 'added' ? source.printed(job.filename, job.job_id, job.start_time) : undefined,
      ),
    )
    return {
      source,
      processors,
      start() {
        source.start()
        plainGcode.start()
      },
      stop() {
        source.stop()
        plainGcode.stop()
      },
    }
  },
})
