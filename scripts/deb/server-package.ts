// The package moonraker-ts: the server, its command, its service, and what the service needs of the system.
import { execFileSync } from 'node:child_process'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { HELP } from '../../src/app/command-line.ts'
import { LICENCES, SBOM } from '../third-party.mjs'
import { manualPage } from './manual-page.ts'
import { NODE_PACKAGE, nodePackageVersion } from './node-package.ts'
import { PackageTree } from './package-tree.ts'
import { type BuildOptions, FIELDS, HOME, lintianOverrides, ROOT, writeChangelog } from './shared.ts'

const NAME = 'moonraker-ts'
const COMMAND = `/usr/bin/${NAME}`
const DOCUMENTS = `usr/share/doc/${NAME}`
const PACKAGING = join(ROOT, 'packaging')
/** Increased when the package changes, and the version of the program does not. */
const REVISION = 1

const COPYRIGHT = `moonraker-ts is free software under the GNU General Public License, version 3 or any later version.
On Debian systems its text is in /usr/share/common-licenses/GPL-3.

`

const read = (path: string) => readFileSync(join(ROOT, path), 'utf8')

/** Builds the package; `work` is an empty folder. Returns the path of its file. */
export function buildServerPackage(options: BuildOptions, work: string): string {
  const { version, engines } = JSON.parse(read('package.json')) as {
    version: string
    engines: { node: string }
  }
  const debianVersion = `${version}-${REVISION}`
  const script = (name: string) => read(`packaging/debian/${name}`).replaceAll('@VERSION@', debianVersion)
  using tree = new PackageTree()
  addProgram(tree, debianVersion, work)
  tree.copy(COMMAND, join(PACKAGING, 'debian/moonraker-ts.sh'), 0o755)
  tree.write('usr/lib/systemd/system/moonraker.service', serviceUnit())
  tree.copy(`usr/lib/sysusers.d/${NAME}.conf`, join(PACKAGING, 'debian/sysusers.conf'))
  tree.copy(`usr/share/polkit-1/rules.d/${NAME}.rules`, join(PACKAGING, 'polkit/moonraker-ts.rules'))
  tree.addFolder('var/cache/moonraker-ts')
  addDocuments(tree, debianVersion, options)
  return tree.build({
    ...options,
    scripts: { postinst: script('postinst'), prerm: script('prerm'), postrm: script('postrm') },
    // A new Node runs after a restart.
    triggers: `interest-noawait /${HOME}/bin\n`,
    fields: {
      ...FIELDS,
      Package: NAME,
      Version: debianVersion,
      Architecture: 'all',
      Depends: [
        `${NODE_PACKAGE} (>= ${nodePackageVersion()}) | nodejs (${engines.node.replace(/^>=/, '>= ')})`,
        'passwd',
        'systemd | systemd-standalone-sysusers | systemd-sysusers',
      ].join(', '),
      Recommends: 'dbus, polkitd',
      Suggests: 'ffmpeg, git, usb.ids',
      Description: [
        'API server for Klipper 3D printers',
        ' A drop-in replacement for Moonraker: front-ends such as Mainsail and Fluidd,',
        ' slicers and apps control the printer through it. It uses the configuration,',
        ' the database and the files of Moonraker as they are. A virtual printer is',
        ' part of it.',
      ].join('\n'),
    },
  })
}

function addProgram(tree: PackageTree, debianVersion: string, work: string): void {
  const build = join(work, 'dist')
  execFileSync(process.execPath, [join(ROOT, 'scripts/build.mjs'), build], { stdio: 'inherit' })
  const dist = `${HOME}/dist`
  tree.copyFolder(dist, build, path => path !== LICENCES && path !== SBOM)
  // The command runs it with its own Node.
  const loader = readFileSync(join(build, 'moonraker.cjs'), 'utf8')
  tree.write(`${dist}/moonraker.cjs`, loader.replace(/^#!.*\n/, ''))
  const installed = { package: NAME, version: debianVersion, command: COMMAND, current: `/${HOME}/current` }
  tree.write(`${dist}/installed-package.json`, `${JSON.stringify(installed)}\n`)
  tree.write(`${DOCUMENTS}/copyright`, COPYRIGHT + readFileSync(join(build, LICENCES), 'utf8'))
  tree.copy(`${DOCUMENTS}/${SBOM}`, join(build, SBOM))
}

function addDocuments(tree: PackageTree, debianVersion: string, options: BuildOptions): void {
  tree.compress(`${DOCUMENTS}/changelog`, read('CHANGELOG.md'))
  writeChangelog(tree, NAME, debianVersion, options)
  const examples = `${DOCUMENTS}/examples`
  tree.write(`${examples}/moonraker-workshop.service`, installedUnit('systemd/moonraker-workshop.service'))
  tree.copy(`${examples}/with-sudo.conf`, join(PACKAGING, 'systemd/with-sudo.conf'))
  tree.compress(`usr/share/man/man1/${NAME}.1`, manualPage(HELP, options.time))
  lintianOverrides(tree, NAME)
}

/** A unit of the folder packaging, for the program of the package. */
function installedUnit(path: string): string {
  return readFileSync(join(PACKAGING, path), 'utf8')
    .replace('/usr/bin/env node /opt/moonraker-ts/dist/moonraker.cjs', COMMAND)
    .replace('packaging/polkit/moonraker-ts.rules', `/usr/share/polkit-1/rules.d/${NAME}.rules`)
}

/** The service: the data folder is in the home of its user. */
function serviceUnit(): string {
  const heading =
    '# moonraker-ts as a service. `sudo systemctl edit moonraker` changes its user and its options.\n'
  return installedUnit('systemd/moonraker.service')
    .replace(/^(#.*\n)+/, heading)
    .replace('User=pi', 'User=moonraker')
    .replace(' -d /home/pi/printer_data', '')
}
