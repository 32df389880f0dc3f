// A front-end from releases, with a server that publishes new ones.
import { readdirSync, readFileSync } from 'node:fs'
import { zipOf } from '../../../support/zip-of.ts'
import { UpdaterBench } from '../updater-bench.ts'

/** The content of release_info.json. */
export const info = (version: string, more: object = {}) =>
  JSON.stringify({ project_name: 'webapp', project_owner: 'dummy', version, ...more })

/** The archive of a version. */
export const archive = (version: string, more: object = {}) =>
  zipOf([
    { name: 'release_info.json', content: info(version, more) },
    { name: 'index.html', content: version },
    { name: 'config.json', content: 'default' },
  ])

/** A release with one asset. */
export const release = (tag: string, more: { prerelease?: boolean; name?: string | null } = {}) => ({
  tag,
  ...more,
  assets: { 'web.zip': archive(tag) },
})

/** A front-end of version v1.0.0, and v1.1.0 to update to. */
export async function startWebApp(options: Readonly<Record<string, string>> = {}) {
  const bench = await UpdaterBench.start()
  bench.write('app/release_info.json', info('v1.0.0'))
  bench.write('app/index.html', 'v1.0.0')
  bench.write('app/config.json', 'mine')
  bench.write('app/stale.txt', 'of v1.0.0')
  bench.releases.repos.set('dummy/webapp', [
    release('v1.2.0-beta.1', { prerelease: true }),
    release('v1.1.0'),
    release('v1.0.0'),
  ])
  const section = { path: bench.path('app'), repo: 'dummy/webapp', ...options }
  const open = () => bench.open('web', section)
  return Object.assign(bench, {
    reopen: open,
    read: (name: string) => readFileSync(bench.path('app', name), 'utf8'),
    files: () => readdirSync(bench.path('app')).sort(),
  })
}

/** Some fields of a status. */
export const pick = (status: object, ...names: string[]) =>
  Object.fromEntries(names.map(name => [name, (status as Record<string, unknown>)[name]]))
