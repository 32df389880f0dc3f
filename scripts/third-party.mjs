// What the build contains of other packages: their licence texts, and a list of them for programs that look for known
// vulnerabilities, an SBOM in the format of CycloneDX.
import { existsSync, readdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'

const root = fileURLToPath(new URL('..', import.meta.url))

/** The names of the two files in the folder of a build. */
export const LICENCES = 'THIRD_PARTY_LICENSES.txt'
export const SBOM = 'sbom.cdx.json'

/** Licence texts of packages that contain none, from their repositories; by name, with + in place of /. */
const MISSING_LICENCES = join(root, 'scripts', 'licences')
const LICENCE_FILE = /^(licen[cs]e|copying|notice|copyrightnotice)/i
const RULE = `${'-'.repeat(80)}\n`

/** What a package of npm in `folder` is; `licence` is an SPDX expression. */
export function identifyPackage(folder) {
  const { name, version, license } = readJson(join(folder, 'package.json'))
  return { name, version, licence: license, purl: `pkg:npm/${name.replace('@', '%40')}@${version}` }
}

/** A package in a folder of the project, also with its licence `text` and the hash that the lock file has of it. */
export function describePackage(folder, moreTexts = []) {
  const identity = identifyPackage(join(root, folder))
  const { integrity = '' } = readJson(join(root, 'package-lock.json')).packages[folder] ?? {}
  return {
    ...identity,
    sha512: integrity.startsWith('sha512-')
      ? Buffer.from(integrity.slice('sha512-'.length), 'base64').toString('hex')
      : undefined,
    text: licenceText(identity.name, join(root, folder), moreTexts),
  }
}

/** Throws Error for a package without a licence text. */
function licenceText(name, folder, moreTexts) {
  const files = readdirSync(folder).filter(file => LICENCE_FILE.test(file))
  const paths = [...files, ...moreTexts].map(file => join(folder, file))
  const substitute = join(MISSING_LICENCES, `${name.replace('/', '+')}.txt`)
  if (paths.length === 0 && existsSync(substitute)) paths.push(substitute)
  if (paths.length === 0)
    throw new Error(`the package ${name} has no licence file: write the text to ${substitute}`)
  return paths.map(path => readFileSync(path, 'utf8').trim()).join('\n\n')
}

/** The folders of the packages whose code esbuild has put into the outputs of a build, relative to the project. */
export function bundledFolders({ outputs }) {
  const inputs = Object.values(outputs).flatMap(output => Object.entries(output.inputs))
  const used = inputs.filter(([, { bytesInOutput }]) => bytesInOutput > 0).map(([path]) => path)
  return used.flatMap(path => /^.*node_modules\/(?:@[^/]+\/)?[^/]+/.exec(path) ?? [])
}

/** Writes both files to the folder of a build that contains the described packages. */
export function writeThirdParty(output, packages) {
  const sorted = packages.toSorted((a, b) => (a.purl < b.purl ? -1 : 1))
  const texts = sorted.map(({ name, version, licence, text }) =>
    [RULE, `${name} ${version} (${licence})\n`, RULE, `\n${text}\n\n`].join(''),
  )
  const head = 'moonraker-ts contains code of the packages below, each under its own licence.\n\n'
  writeFileSync(join(output, LICENCES), head + texts.join(''))
  writeFileSync(join(output, SBOM), sbom(sorted.map(component)))
}

/** The text of an SBOM of this program with components. Equal builds have equal texts: it has no date. */
export function sbom(components) {
  const document = {
    $schema: 'http://cyclonedx.org/schema/bom-1.6.schema.json',
    bomFormat: 'CycloneDX',
    specVersion: '1.6',
    version: 1,
    metadata: { component: { ...component(identifyPackage(root)), type: 'application' } },
    components,
  }
  return `${JSON.stringify(document, undefined, 2)}\n`
}

/** A component of an SBOM. */
export function component({ name, version, licence, purl, sha512 }) {
  return {
    type: 'library',
    'bom-ref': purl,
    name,
    version,
    ...(sha512 && { hashes: [{ alg: 'SHA-512', content: sha512 }] }),
    licenses: [{ expression: licence }],
    purl,
  }
}

function readJson(path) {
  return JSON.parse(readFileSync(path, 'utf8'))
}
