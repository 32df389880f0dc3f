// [update_manager]: updates of Klipper, this server, front-ends, add-ons and system packages.
import { updateManager as chapter } from '../../api/update-manager.ts'
import { type Core, component } from '../../component/component.ts'
import { SectionTemplate } from '../../component/section-template.ts'
import type { ReadSection } from '../../config/index.ts'
import { messageOf } from '../../core/errors.ts'
import { sudoService, systemBusService } from '../machine/service.ts'
import { UpdateManager } from './manager.ts'
import { generalOptions, sectionOptions } from './options.ts'
import { ReleaseApi } from './releases/release-api.ts'
import { readSections, sectionWarning } from './sections.ts'
import { SystemPackages } from './system/system-packages.ts'
import { updaterTypes } from './types.ts'

const byType = Object.fromEntries(Object.entries(updaterTypes).map(([type, { options }]) => [type, options]))

/** The token for GitHub; null for none, with a warning if the option cannot be used. */
async function readToken(core: Core, section: ReadSection<typeof generalOptions>): Promise<string | null> {
  const { github_token } = section.options
  if (github_token === undefined) return null
  try {
    return (await new SectionTemplate(core, section, 'github_token', github_token).renderOnce()) || null
  } catch (error) {
    core.warnings.add(messageOf(error))
    return null
  }
}

export default component({
  section: 'update_manager',
  presence: 'configured',
  options: generalOptions,
  named: { options: sectionOptions, byType, warning: sectionWarning },
  needs: { sudo: sudoService, bus: systemBusService },
  create({ core, scope, section, named, needs }) {
    const { clock, log, storage, host } = core
    const general = section.options
    const releases = new ReleaseApi({
      http: host.http,
      clock,
      log,
      namespaces: storage.namespaces,
      url: general.release_api,
      token: () => readToken(core, section),
    })
    const ending = new AbortController()
    scope.defer(() => ending.abort(new Error('the server stops')))
    const usePackageKit = general.enable_packagekit
    const packages = new SystemPackages({ ...needs, usePackageKit, signal: ending.signal })
    const system = {
      name: 'system',
      open: async () => {
        const { SystemUpdater } = await import('./system/system-updater.ts')
        return new SystemUpdater(packages, core)
      },
    }
    const sections = readSections({ core, general, releases }, named)
    const manager = new UpdateManager(core, general.enable_system_updates ? [system, ...sections] : sections)
    scope.use(
      core.registry.serve(chapter, {
        'machine.update.status': () => ({
          busy: false,
          github_rate_limit: releases.rateLimit.limit,
          github_requests_remaining: releases.rateLimit.remaining,
          github_limit_reset_time: releases.rateLimit.reset,
          version_info: manager.status(),
        }),
      }),
    )
    return { start: () => manager.start() }
  },
})
