// [update_manager]: updates of Klipper, this server, front-ends, add-ons and system packages.
import { updateManager as chapter } from '../../api/update-manager.ts'
import { type Core, component } from '../../component/component.ts'
import { optional } from '../../component/service.ts'
import type { ServeChapter } from '../../component/starting.ts'
import type { ReadSection } from '../../config/index.ts'
import { messageOf } from '../../core/errors.ts'
import { ProgramStarts } from '../../core/program-starts.ts'
import type { Scope } from '../../core/scope.ts'
import { filesService } from '../files/service.ts'
import { machineServices, sudoService, systemBusService } from '../machine/service.ts'
import { Git } from './git/git.ts'
import { KlipperSource } from './klipper.ts'
import { UpdateManager } from './manager.ts'
import { generalOptions, sectionOptions } from './options.ts'
import { ReleaseApi } from './releases/release-api.ts'
import { type ConfiguredUpdater, readSections, sectionWarning } from './sections.ts'
import { SystemPackages } from './system/system-packages.ts'
import { updaterTypes } from './types.ts'

const byType = Object.fromEntries(Object.entries(updaterTypes).map(([type, { options }]) => [type, options]))

/** The token for GitHub; null for none, with a warning if the option cannot be used. */
async function readToken(core: Core, section: ReadSection<typeof generalOptions>): Promise<string | null> {
  const { github_token } = section.options
  if (github_token === undefined) return null
  const { SectionTemplate } = await import('../../component/section-template.ts')
  try {
    return (await new SectionTemplate(core, section, 'github_token', github_token).renderOnce()) || null
  } catch (error) {
    core.warnings.add(messageOf(error))
    return null
  }
}

function serve(serveChapter: ServeChapter, scope: Scope, manager: UpdateManager): void {
  const { operations } = manager
  const done = async (work: Promise<void>) => {
    await work
    return 'ok' as const
  }
  const update = ({ name }: { readonly name?: string | undefined }) =>
    done(name === undefined ? operations.updateAll() : operations.update(name))
  scope.use(
    serveChapter(chapter, {
      'machine.update.status': ({ refresh }) => (refresh ? manager.statusAfterRefresh() : manager.status()),
      'machine.update.refresh': ({ name }) => manager.refresh(name),
      'machine.update.upgrade': update,
      'machine.update.full': () => done(operations.updateAll()),
      'machine.update.client': update,
      'machine.update.klipper': () => done(operations.update('klipper')),
      'machine.update.moonraker': () => done(operations.update('moonraker')),
      'machine.update.system': () => done(operations.update('system')),
      'machine.update.recover': ({ name, hard, update_deps }) =>
        done(operations.recover(name, { hard, dependencies: update_deps })),
      'machine.update.rollback': ({ name }) => done(operations.rollback(name)),
      'machine.update.cancel': () => {
        operations.cancel()
        return 'ok' as const
      },
    }),
  )
}

export default component({
  section: 'update_manager',
  presence: 'configured',
  options: generalOptions,
  named: { options: sectionOptions, byType, warning: sectionWarning },
  needs: {
    machine: machineServices,
    sudo: sudoService,
    bus: systemBusService,
    files: optional(filesService),
  },
  create({ core, scope, section, named, needs, serveAfterStart }) {
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
    const { machine, sudo, bus, files } = needs
    const ending = new AbortController()
    scope.defer(() => ending.abort(new Error('the server stops')))
    const usePackageKit = general.enable_packagekit
    const packages = new SystemPackages({ sudo, bus, usePackageKit, signal: ending.signal })
    const system: ConfiguredUpdater = {
      name: 'system',
      config: null,
      refreshHours: undefined,
      open: async () => {
        const { SystemUpdater } = await import('./system/system-updater.ts')
        return new SystemUpdater(packages, core)
      },
    }
    const mirror = general.git_mirror ?? null
    const git = new Git({ path: '/', clock, mirror, starts: new ProgramStarts() })
    const { configured, builtIn } = readSections({ core, general, releases, machine, packages, git }, named)
    const ownOptions = builtIn.get('moonraker')
    const own: ConfiguredUpdater = {
      name: 'moonraker',
      config: [general.channel, ownOptions],
      refreshHours: ownOptions?.refresh_interval,
      open: async () => {
        const { openOwnServer } = await import('./self/own-server.ts')
        return openOwnServer({ core, general, releases, git, sudo, options: ownOptions })
      },
    }
    const manager = new UpdateManager({
      core,
      machine,
      general,
      releases,
      klipper: new KlipperSource({ core, general, machine, packages, git, options: builtIn.get('klipper') }),
      system: general.enable_system_updates ? system : null,
      own,
      configured,
      protectFolder: folder => {
        const registration = files()?.protectFolder(folder)
        if (registration !== undefined) scope.use(registration)
      },
    })
    serve(serveAfterStart, scope, manager)
    scope.use(core.events.on('klippy:identified', () => manager.followKlipper()))
    return { start: () => manager.start(), stop: () => manager.stop() }
  },
})
