// The declared options of moonraker.conf against those of Moonraker, whose files users bring.
import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { test } from 'node:test'
import { type DeclaredSection, declaredSections } from '../../src/app/sections.ts'
import type { SectionOptions } from '../../src/config/index.ts'
import { startRig } from '../support/rig.ts'

/** Moonraker's options by section, and those of components that users add to it; `power NAME gpio` are those that depend on `type: gpio`. */
const MOONRAKER: Readonly<Record<string, readonly string[]>> = JSON.parse(
  readFileSync(new URL('../fixtures/options.json', import.meta.url), 'utf8'),
)

/** Options that Moonraker does not have. */
const OWN: Readonly<Record<string, readonly string[]>> = {
  authorization: ['trusted_role', 'trusted_proxies', 'trusted_hosts'],
  file_manager: ['follow_links'],
  ldap: ['verify_certificate', 'role'],
  metrics: ['hold', 'klipper_names', 'open', 'token'],
  fleet: [
    'allow_calls',
    'cache_mb',
    'dispatch',
    'engine',
    'heartbeat',
    'labels',
    'plate_clear',
    'role',
    'state_interval',
  ],
  mqtt: [
    'api_role',
    'ca_certificate',
    'client_certificate',
    'client_key',
    'home_assistant',
    'home_assistant_control',
    'home_assistant_interval',
    'home_assistant_prefix',
    'transport',
    'websocket_path',
  ],
  'power NAME http': ['user', 'password'],
  'power NAME tasmota': ['user'],
  'power NAME homeseer': ['port'],
  'button NAME': ['call_timeout'],
  timelapse: ['delete_rendered_frames', 'encoder', 'min_free_space', 'rendercancelled', 'snapshot_timeout'],
  analysis: ['refuse_unfit_files'],
  update_manager: ['git_mirror', 'github_token', 'release_api'],
  'frontend NAME': ['path', 'prefix', 'webcams', 'webcams_need_login'],
}

/** Every name under which a section reads an option. */
function namesOf(options: SectionOptions): string[] {
  return Object.entries(options).flatMap(([name, { previousNames = [] }]) => [name, ...previousNames])
}

/** A section and its parts by type, each with its options. */
function partsOf({ name, options, byType }: DeclaredSection): [string, SectionOptions][] {
  const further = Object.entries(byType).map(([type, more]): [string, SectionOptions] => [
    `${name} ${type}`,
    more,
  ])
  return [[name, options], ...further]
}

test('every section takes the options of Moonraker, and no others but our own', async () => {
  for (const [name, options] of (await declaredSections()).flatMap(partsOf)) {
    const expected = [...(MOONRAKER[name] ?? []), ...(OWN[name] ?? [])]
    assert.deepEqual(namesOf(options).sort(), expected.sort(), `[${name}]`)
  }
})

test('every option has a description', async () => {
  const bare = (await declaredSections()).flatMap(partsOf).flatMap(([section, options]) =>
    Object.entries(options)
      .filter(([, { json }]) => typeof json.description !== 'string')
      .map(([name]) => `[${section}] ${name}`),
  )
  assert.deepEqual(bare, [])
})

test('deprecated options and previous names are read with a warning', async () => {
  const conf = '[file_manager]\nconfig_path: ~/old\nlog_path: ~/old\nenable_inotify_warnings: False'
  await using rig = await startRig({ printer: 'none', conf })
  const reply = await fetch(`${rig.url}/server/info`)
  const { result } = (await reply.json()) as { result: { warnings: readonly string[] } }
  const deprecated = result.warnings.filter(text => text.includes('of section [file_manager] is deprecated'))
  assert.equal(deprecated.length, 3, result.warnings.join('\n'))
  assert.ok(!result.warnings.some(text => text.includes('Unparsed')))
  const config = (await (await fetch(`${rig.url}/server/config`)).json()) as {
    result: { config: { file_manager: { enable_observer_warnings: boolean } } }
  }
  assert.equal(config.result.config.file_manager.enable_observer_warnings, false)
})
