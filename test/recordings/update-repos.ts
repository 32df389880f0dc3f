// The repositories of the recordings, whose remotes are on github.com: a git server on loopback answers in its place.
import { mkdirSync, renameSync } from 'node:fs'
import type { FakeKlippy } from '../support/fake-klippy.ts'
import { GitRepos, publishApp } from '../support/git-repos.ts'
import { GitServer } from '../support/git-server.ts'
import type { WebClient } from '../support/web-client.ts'

export const APP = 'dummy/app'
export const DEPENDENT_APP = 'dummy/depapp'
export const KLIPPER = 'Klipper3d/klipper'

type Files = Readonly<Record<string, string>>

/** The packages of two versions of an application; their lines differ as those of the recordings. */
export const PACKAGES: readonly [old: Files, new: Files] = [
  {
    'requirements.txt': '# packages\nrequests==2.0\n-r more.txt\nclick>=8 # for commands\n',
    'package-lock.json': '{"lockfileVersion":1}\n',
    'scripts/deps.json': '{"debian":["libone"]}\n',
    'scripts/install.sh': 'PKGLIST="libone"\nPKGLIST="$PKGLIST libtwo"\n',
  },
  {
    'requirements.txt': 'requests==2.1\nclick>=8\nrich\n',
    'package-lock.json': '{"lockfileVersion":2}\n',
    'scripts/deps.json': '{"debian":["libone","libtwo","libnone; distro_version >= \'11\'"]}\n',
    'scripts/install.sh': 'PKGLIST="libone libthree"\n',
  },
]

export class RecordedRepos implements AsyncDisposable {
  readonly repos: GitRepos
  readonly server: GitServer
  /** The commit of the application by its number. */
  readonly at: (number: number) => string

  private constructor(repos: GitRepos, server: GitServer) {
    this.repos = repos
    this.server = server
    this.at = publishApp(repos)
    mkdirSync(repos.path('dummy'))
    renameSync(repos.path('app.git'), repos.path(`${APP}.git`))
    this.#publish('dep ', DEPENDENT_APP, 'v0.1.0', PACKAGES)
    this.#publish('k', KLIPPER, 'v0.12.0', [{}, {}, {}])
  }

  static async start(): Promise<RecordedRepos> {
    const repos = new GitRepos()
    return new RecordedRepos(repos, await GitServer.start(repos.folder))
  }

  /** The first version has a tag. */
  #publish(prefix: string, remote: string, tag: string, versions: readonly Files[]): void {
    const { repos } = this
    const source = `source of ${tag}`
    repos.create(source)
    for (const [index, files] of versions.entries()) {
      for (const [name, content] of Object.entries(files)) repos.write(source, name, content)
      repos.commit(source, `${prefix}${index + 1}`)
      if (index === 0) repos.tag(source, tag)
    }
    repos.publish(source, `${remote}.git`)
  }

  /** A clone of a remote, reset to a commit. */
  clone(remote: string, name: string, commit?: string): void {
    this.repos.clone(`${remote}.git`, name, commit)
    this.repos.git(name, 'remote', 'set-url', 'origin', `https://github.com/${remote}.git`)
  }

  /** [update_manager] with some options. */
  general(lines = 'enable_system_updates: False\n'): string {
    return `[update_manager]\ngit_mirror: ${this.server.url('')}\n${lines}`
  }

  /** The section of a clone, with more options. */
  section(remote: string, name: string, lines = 'is_system_service: False\n'): string {
    return (
      `[update_manager ${name}]\ntype: git_repo\norigin: https://github.com/${remote}.git\n` +
      `path: ${this.repos.path(name)}\n${lines}`
    )
  }

  /** Sets what a Klippy reports that runs from a clone. */
  runKlippyFrom(clone: string, klippy: FakeKlippy): void {
    const place = { klipper_path: this.repos.path(clone), python_path: '/usr/bin/python3' }
    klippy.change('webhooks', place)
  }

  /** Resolves when the server has read the repository of Klipper. */
  async untilKlipperIsRead(client: WebClient): Promise<void> {
    await client.call('machine.update.status')
    await client.find(({ result, params }) => (result ?? params?.[0])?.version_info?.klipper?.is_valid)
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.server[Symbol.asyncDispose]()
    this.repos[Symbol.dispose]()
  }
}
