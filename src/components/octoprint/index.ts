// [octoprint_compat]: answers as OctoPrint does, for slicers and other programs that know no other print server.
import type { ParamsOf, ResultOf } from '../../api/endpoint.ts'
import { octoprintEndpoints } from '../../api/octoprint.ts'
import { type Component, type Core, component } from '../../component/component.ts'
import { optional } from '../../component/service.ts'
import { ApiError } from '../../core/errors.ts'
import type { Scope } from '../../core/scope.ts'
import type { AccessPolicy } from '../../rpc/access-policy.ts'
import { callMethod } from '../../rpc/call-method.ts'
import type { Caller } from '../../rpc/caller.ts'
import { bool, string } from '../../schema/index.ts'
import { accessPolicy } from '../access/service.ts'
import { uploadService } from '../files/service.ts'
import { BareRoutes } from './bare-routes.ts'
import { runCommands } from './commands.ts'
import { Files } from './files.ts'
import {
  connectionOf,
  type Options,
  profilesOf,
  serverOf,
  settingsOf,
  userOf,
  versionOf,
} from './fixed-answers.ts'
import { Jobs } from './job.ts'
import { PrinterView } from './printer-view.ts'
import { forwardEvents } from './push/events.ts'
import { PushFeed } from './push/feed.ts'
import { LoginSessions } from './push/login-sessions.ts'
import { SockJs } from './push/sockjs.ts'
import { type Series, temperatureHistory } from './temperature-history.ts'

/** What the parts of one emulation have in common. */
interface Parts {
  readonly core: Core
  readonly options: Options
  readonly view: PrinterView
  readonly jobs: Jobs
  readonly files: Files
  readonly sessions: LoginSessions
}

function serve({ core, options, view, jobs, files, sessions }: Parts, scope: Scope): void {
  const routes = new BareRoutes(core)
  routes.add(octoprintEndpoints, {
    'octoprint.version': () => versionOf(core.host.version),
    'octoprint.server': () => serverOf(core.printer.session.state === 'ready'),
    'octoprint.login': (_, { caller }) => ({
      ...userOf(caller),
      session: caller.user === null ? null : sessions.create(caller.user),
    }),
    'octoprint.currentuser': (_, { caller }) => userOf(caller),
    'octoprint.logout': () => null,
    'octoprint.settings': () => settingsOf(options),
    'octoprint.connection': async () => connectionOf((await view.state()).text),
    'octoprint.connection.command': () => null,
    'octoprint.printerprofiles': async () => profilesOf(new Set((await view.heaters()).values())),
    'octoprint.printer': (params, { caller }) => describePrinter(core, view, params, caller),
    'octoprint.printer.command': async params => {
      await runCommands(core, params)
      return {}
    },
    'octoprint.job': (_, { caller }) => jobs.describe(caller),
    'octoprint.job.command': (command, { caller }) => jobs.command(command, caller),
    'octoprint.files': ({ recursive }, call) => files.list(recursive, call),
    'octoprint.files.local': ({ recursive }, call) => files.list(recursive, call),
    'octoprint.file': ({ location, path, recursive }, call) =>
      files.describe(location, path, recursive, call),
    'octoprint.file.command': (command, call) => files.command(command, call),
    'octoprint.file.delete': ({ location, path }, call) => files.delete(location, path, call),
  })
  routes.addOne('POST', '/api/files/local', request => files.upload(request), true)
  routes.serve(scope)
  serveNothingElse(core, scope)
}

/** Endpoints of OctoPrint that are not emulated are 404, also where a front-end serves all other paths. */
function serveNothingElse({ registry }: Core, scope: Scope): void {
  const verbs = ['GET', 'HEAD', 'POST', 'PUT', 'PATCH', 'DELETE']
  const handle = () => {
    throw new ApiError(404, 'Not Found')
  }
  scope.use(registry.serveRaw({ verbs, path: '/api/', handle }))
}

/** GET /api/printer. */
async function describePrinter(
  core: Core,
  view: PrinterView,
  { exclude, history, limit }: ParamsOf<(typeof octoprintEndpoints)['octoprint.printer']>,
  caller: Caller,
): Promise<ResultOf<(typeof octoprintEndpoints)['octoprint.printer']>> {
  const excluded = new Set(exclude.split(',').map(part => part.trim()))
  const store = history ? await callMethod(core, 'server.temperature_store', {}, caller) : {}
  const past = temperatureHistory(
    store as Record<string, Series>,
    await view.heaters(),
    limit,
    core.clock.now(),
  )
  const temperature = { ...(await view.temperatures()), ...(history && { history: past }) }
  return {
    ...(!excluded.has('temperature') && { temperature }),
    ...(!excluded.has('state') && { state: await view.state() }),
  }
}

/** OctoPrint's push socket. */
function servePush({ core, view, jobs, sessions }: Parts, scope: Scope, access: AccessPolicy): void {
  const feed = new PushFeed(core, { view, jobs, sessions })
  new SockJs(core, (channel, user) => feed.open(channel, user)).serve(scope)
  forwardEvents(core, scope, feed)
  access.onLogout(username => {
    sessions.end(username)
    feed.closeOf(username)
  })
}

function followPrinter({ events }: Core, scope: Scope, { view, jobs }: Parts): void {
  scope.use(events.on('klippy:ready', () => view.findHeaters()))
  scope.use(events.on('klippy:disconnected', () => view.forget()))
  scope.use(events.on('printer:print_requested', (filename, user) => jobs.requested(filename, user)))
  // From now on the printed file is the selected one.
  scope.use(events.on('job:started', () => jobs.select(null)))
}

export default component({
  section: 'octoprint_compat',
  presence: 'configured',
  options: {
    enable_ufp: bool().describe("Accept Cura's packages (UFP), which contain a thumbnail").default(true),
    flip_h: bool().describe('Mirror the webcam left to right').default(false),
    flip_v: bool().describe('Mirror the webcam top to bottom').default(false),
    rotate_90: bool().describe('Rotate the webcam by 90° counterclockwise').default(false),
    stream_url: string().describe('The stream of the webcam').default('/webcam/?action=stream'),
    webcam_enabled: bool().describe('Whether there is a webcam').default(true),
  },
  needs: { access: accessPolicy, uploads: optional(uploadService) },
  create({ core, section: { options }, scope, needs }): Component {
    const view = new PrinterView(core)
    const jobs = new Jobs(core, view)
    const files = new Files(core, jobs, needs.uploads)
    const sessions = new LoginSessions()
    const parts = { core, options, view, jobs, files, sessions }
    serve(parts, scope)
    servePush(parts, scope, needs.access)
    followPrinter(core, scope, parts)
    return {}
  },
})
