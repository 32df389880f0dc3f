// [analysis]: print times by the limits of this printer, and checks of print files, for every file. Where the program
// Klipper Estimator is installed, it serves the endpoints.
import { analysis as chapter } from '../../api/analysis.ts'
import { type Core, component } from '../../component/component.ts'
import type { Scope } from '../../core/scope.ts'
import { filesService } from '../files/service.ts'
import { fileProcessorsService, metadataService } from '../metadata/service.ts'
import { Analyses } from './analyses.ts'
import { BuiltInEstimator } from './built-in.ts'
import { ExternalEstimator } from './external.ts'
import { KlipperEstimator } from './klipper-estimator/estimator.ts'
import { analysisOptions } from './options.ts'
import { PrintChecks } from './print-checks.ts'
import { PrintProgress } from './progress/print-progress.ts'
import { printWarningsService, progressService } from './service.ts'

function followJobs({ events }: Core, scope: Scope, progress: PrintProgress): void {
  for (const event of ['job:started', 'job:found'] as const)
    scope.use(events.on(event, stats => progress.start(stats)))
  for (const event of ['job:paused', 'job:resumed'] as const)
    scope.use(events.on(event, () => progress.measure()))
  for (const event of ['job:completed', 'job:cancelled', 'job:error', 'job:standby'] as const)
    scope.use(events.on(event, () => progress.end()))
}

export default component({
  section: 'analysis',
  presence: 'always',
  options: analysisOptions,
  needs: { files: filesService, metadata: metadataService, processors: fileProcessorsService },
  provides: { progress: progressService, warnings: printWarningsService },
  create({ core, scope, section: { options }, needs: { files, metadata, processors } }) {
    const analyses = new Analyses({ core, metadata, processors })
    const klipperEstimator = new KlipperEstimator({ core, files, processors, options })
    const builtIn = new BuiltInEstimator(analyses)
    const external = new ExternalEstimator({ estimator: klipperEstimator, metadata, files })
    const estimator = () => (klipperEstimator.program.isReady ? external : builtIn)
    const checks = new PrintChecks(core, analyses, options.refuse_unfit_files)
    const progress = new PrintProgress({ core, metadata, analyses })
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
        'server.analysis.progress': async () => {
          await progress.measure()
          return progress.latest
        },
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
        checks.analysed(filename, summary)
        await progress.analysed(filename)
        const { print_time, warnings } = summary
        core.connections.notify('notify_file_analyzed', { filename, print_time, warnings: [...warnings] })
      }),
    )
    for (const event of ['job:completed', 'job:cancelled', 'job:error'] as const)
      scope.use(core.events.on(event, () => checks.ended()))
    followJobs(core, scope, progress)
    return {
      progress,
      warnings: checks,
      async start() {
        analyses.start()
        await klipperEstimator.start()
      },
      stop() {
        analyses.stop()
        klipperEstimator.stop()
        progress.end()
      },
    }
  },
})
