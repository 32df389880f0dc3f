// [update_manager]: updates of Klipper, this server, front-ends, add-ons and system packages.
import { updateManager as chapter } from '../../api/update-manager.ts'
import { component } from '../../component/component.ts'
import { UpdateManager } from './manager.ts'
import { generalOptions, sectionOptions } from './options.ts'
import { readSections, sectionWarning } from './sections.ts'
import { updaterTypes } from './types.ts'

const byType = Object.fromEntries(Object.entries(updaterTypes).map(([type, { options }]) => [type, options]))

export default component({
  section: 'update_manager',
  presence: 'configured',
  options: generalOptions,
  named: { options: sectionOptions, byType, warning: sectionWarning },
  create({ core, scope, section, named }) {
    const manager = new UpdateManager(core, readSections(core, section.options, named))
    scope.use(
      core.registry.serve(chapter, {
        'machine.update.status': () => ({
          busy: false,
          github_rate_limit: null,
          github_requests_remaining: null,
          github_limit_reset_time: null,
          version_info: manager.status(),
        }),
      }),
    )
    return { start: () => manager.start() }
  },
})
