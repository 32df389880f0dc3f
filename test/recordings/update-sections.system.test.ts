// The recorded warnings about sections and options that cannot be used.
import assert from 'node:assert/strict'
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test } from 'node:test'
import { RestartableServer } from '../support/restartable-server.ts'
import { startRig } from '../support/rig.ts'
import { WebClient } from '../support/web-client.ts'
import { absentRecording, loadUpdates } from './update-recording.ts'

/** What is better than recorded, by a part of the recorded warning. */
const IMPROVED: Readonly<Record<string, string>> = {
  'No enum member named': 'names the option and the types',
  'is not a vailid choice': 'names the line of the option',
  'not enough values to unpack': 'names the option',
  'Unparsed config option': 'a section that is left out has one warning',
  "Value for option 'commit' must be": 'names the option as it is called',
}

/** The line, which the recorded server does not name. */
const withoutLine = (text: string) => text.replace(/moonraker\.conf, line \d+: /, '')

/** The paths of the recorded machine and of this one. */
const withoutPaths = (text: string) =>
  text.replaceAll(/Path `[^` ]*`?/g, 'PATH').replaceAll(/\/[\w./-]+\/moonraker.asvc/g, 'ASVC')

/** The sections by recording, without those that have no warning. `{folder}` has a folder `app`, and no other. */
const SECTIONS: Readonly<Record<string, string>> = {
  upd_git_states: `
[update_manager pinshort]
type: git_repo
path: {folder}/app
origin: https://github.com/dummy/app.git
is_system_service: False
pinned_commit: abcdef1
[update_manager missingpath]
type: git_repo
path: {folder}/missingpath
origin: https://github.com/dummy/app.git
is_system_service: False
[update_manager badtype]
type: wibble
path: {folder}/app
[update_manager badchannel]
type: git_repo
path: {folder}/app
origin: https://github.com/dummy/app.git
is_system_service: False
channel: nightly
[update_manager nosvc]
type: git_repo
path: {folder}/app
origin: https://github.com/dummy/app.git
[update_manager badsvc]
type: git_repo
path: {folder}/app
origin: https://github.com/dummy/app.git
is_system_service: False
managed_services: klipper other
`,
  upd_net: `
[update_manager webdev]
type: web
channel: dev
repo: dummy/webapp
path: {folder}/app
[update_manager webpersist2]
type: web
repo: dummy/webapp
path: {folder}/app
persistent_files: release_info.json
[update_manager webgone]
type: web
repo: dummy/webapp
path: {folder}/webgone
[update_manager webbadrepo]
type: web
repo: webapp
path: {folder}/app
`,
  upd_python: `
[update_manager pymissing]
type: python
virtualenv: {folder}/env
is_system_service: False
[update_manager pynovenv]
type: python
virtualenv: {folder}/app
is_system_service: False
[update_manager pybadvenv]
type: python
virtualenv: {folder}/none
is_system_service: False
`,
}

/** The warnings of a server with these sections. */
async function warningsOf(sections: string): Promise<string[]> {
  const folder = mkdtempSync(join(tmpdir(), 'sections-'))
  try {
    mkdirSync(join(folder, 'app'))
    mkdirSync(join(folder, 'env/bin'), { recursive: true })
    for (const name of ['python', 'pip']) writeFileSync(join(folder, 'env/bin', name), '', { mode: 0o755 })
    const conf = `[update_manager]\nenable_system_updates: False\n${sections.replaceAll('{folder}', folder)}`
    await using server = await RestartableServer.start({ conf })
    await server.client()
    return server.warnings
  } finally {
    rmSync(folder, { recursive: true })
  }
}

for (const [recording, sections] of Object.entries(SECTIONS))
  test(`the warnings of ${recording} are as recorded`, { skip: absentRecording(recording) }, async t => {
    const actual = (await warningsOf(sections)).map(withoutLine).map(withoutPaths)
    const lines = loadUpdates(recording) as unknown as {
      warnings?: string[]
      result?: { warnings?: string[] }
    }[]
    const recorded = lines.flatMap(({ warnings, result }) => warnings ?? result?.warnings ?? [])
    for (const text of recorded.filter(text => text.includes('[update_manager')).map(withoutPaths)) {
      const reason = Object.entries(IMPROVED).find(([part]) => text.includes(part))?.[1]
      await t.test(reason === undefined ? text : `${text}: ${reason}`, () =>
        assert.equal(actual.includes(text), reason === undefined, actual.join('\n')),
      )
    }
  })

/** A line of upd_extra2 about the section [update_manager]. */
interface BadOption {
  readonly name: string
  readonly option: string
  readonly failed: readonly string[]
  readonly status_reply: { readonly error: { readonly code: number; readonly message: string } }
}

test('options that cannot be used fail the component as recorded', {
  skip: absentRecording('upd_extra2'),
}, async t => {
  const lines = loadUpdates('upd_extra2') as unknown as BadOption[]
  for (const { option, failed, status_reply } of lines.filter(({ name }) => name === 'bad_config'))
    await t.test(option.trim(), async () => {
      const conf = `[update_manager]\nenable_system_updates: False\n${option}`
      await using rig = await startRig({ printer: 'none', conf })
      using client = await WebClient.open(rig.url)
      const { result } = await client.call('server.info')
      const { error } = await client.call('machine.update.status')
      if (option.startsWith('client_repo')) {
        // Better: an option of old versions has a warning, and everything else is updated.
        assert.deepEqual([result.failed_components, error], [[], undefined])
        assert.ok(result.warnings.some((text: string) => text.includes("'client_repo: x/y'")))
      } else assert.deepEqual([result.failed_components, error], [failed, status_reply.error])
    })
})
