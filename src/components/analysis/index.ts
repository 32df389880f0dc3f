// [analysis]: print times by the limits of this printer, and checks of print files, for every file.
import { analysis as chapter } from '../../api/analysis.ts'
import { component } from '../../component/component.ts'
import { ApiError } from '../../core/errors.ts'
import { PACKAGE_VERSION } from '../../core/version.ts'
import { fileProcessorsService, metadataService } from '../metadata/service.ts'
import { Analyses } from './analyses.ts'
import { estimateReply } from './estimate-reply.ts'
import { analysisOptions } from './options.ts'
import { PrintChecks } from './print-checks.ts'

const VERSION = `moonraker-ts v${PACKAGE_VERSION}`

export default component({
  section: 'analysis',
  presence: 'always',
  options: analysisOptions,
  needs: { metadata: metadataService, processors: fileProcessorsService },
  create({ core, scope, section: { options }, needs }) {
    const analyses = new Analyses({ core, ...needs })
    const checks = new PrintChecks(core, analyses, options.refuse_unfit_files)
    const refuseConfig = (config: string | undefined) => {
      if (config !== undefined) throw new ApiError(400, 'Klipper Estimator not available')
    }
    scope.use(
      core.registry.serve(chapter, {
        'server.analysis.status': () => ({
          estimator_executable: 'unknown',
          estimator_ready: true,
          estimator_version: VERSION,
          estimator_config_exists: false,
          using_default_config: true,
          machine: { ...analyses.machine.options.facts },
        }),
        'server.analysis.estimate': async ({ filename, estimator_config }) => {
          refuseConfig(estimator_config)
          const details = await analyses.of(filename)
          const summary = await analyses.summary(filename)
          return estimateReply(details, summary?.features ?? {})
        },
        'server.analysis.process': async ({ filename, estimator_config, force }) => {
          refuseConfig(estimator_config)
          const known = await analyses.known(filename)
          const prev_processed = known?.machine_id === analyses.machine.options.facts.id
          const bypassed = prev_processed && !force
          if (!bypassed) await analyses.renew(filename)
          return { prev_processed, version: VERSION, bypassed }
        },
      }),
    )
    scope.use(core.printer.preparePrints(path => checks.check(path)))
    scope.use(core.events.on('klippy:ready', () => void analyses.machine.read()))
    scope.use(
      core.events.on('metadata:processed', async filename => {
        const summary = await analyses.summary(filename)
        if (summary === undefined) return
        const { print_time, warnings } = summary
        core.connections.notify('notify_file_analyzed', { filename, print_time, warnings: [...warnings] })
      }),
    )
    return { start: () => analyses.start(), stop: () => analyses.stop() }
  },
})
