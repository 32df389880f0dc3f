// [analysis]: print times by the limits of this printer, and checks of print files, for every file. Where the program
// Klipper Estimator is installed, it serves the endpoints.
import { analysis as chapter } from '../../api/analysis.ts'
import { component } from '../../component/component.ts'
import { filesService } from '../files/service.ts'
import { fileProcessorsService, metadataService } from '../metadata/service.ts'
import { Analyses } from './analyses.ts'
import { BuiltInEstimator } from './built-in.ts'
import { ExternalEstimator } from './external.ts'
import { KlipperEstimator } from './klipper-estimator/estimator.ts'
import { analysisOptions } from './options.ts'
import { PrintChecks } from './print-checks.ts'

export default component({
  section: 'analysis',
  presence: 'always',
  options: analysisOptions,
  needs: { files: filesService, metadata: metadataService, processors: fileProcessorsService },
  create({ core, scope, section: { options }, needs: { files, metadata, processors } }) {
    const analyses = new Analyses({ core, metadata, processors })
    const klipperEstimator = new KlipperEstimator({ core, files, processors, options })
    const builtIn = new BuiltInEstimator(analyses)
    const external = new ExternalEstimator({ estimator: klipperEstimator, metadata, files })
    const estimator = () => (klipperEstimator.program.isReady ? external : builtIn)
    const checks = new PrintChecks(core, analyses, options.refuse_unfit_files)
    const { machine } = analyses
    scope.use(
      core.registry.serve(chapter, {
        'server.analysis.status': async () => ({
          estimator_executable: klipperEstimator.program.name,
          estimator_ready: true,
          estimator_version: estimator().version,
          estimator_config_exists: await klipperEstimator.hasConfig(),
          using_default_config: klipperEstimator.usesDefaultConfig,
          machine: { ...machine.options.facts },
        }),
        'server.analysis.estimate': params => estimator().estimate(params),
        'server.analysis.process': params => estimator().process(params),
        'server.analysis.dump_config': ({ dest_config }) =>
          klipperEstimator.dump(
            core.printer.session.state === 'ready' ? machine.known : undefined,
            dest_config,
          ),
      }),
    )
    scope.use(core.printer.preparePrints(path => checks.check(path)))
    scope.use(
      core.events.on('klippy:ready', async () => {
        await machine.read()
        await klipperEstimator.klippyReady(() => machine.known)
      }),
    )
    scope.use(
      core.events.on('metadata:processed', async filename => {
        const summary = await analyses.summary(filename)
        if (summary === undefined) return
        const { print_time, warnings } = summary
        core.connections.notify('notify_file_analyzed', { filename, print_time, warnings: [...warnings] })
      }),
    )
    return {
      async start() {
        analyses.start()
        await klipperEstimator.start()
      },
      stop() {
        analyses.stop()
        klipperEstimator.stop()
      },
    }
  },
})
