// Reads the part of CHANGELOG.md that a release is published with.

/**
 * The text of the top section. Throws where that is not the section of `version`, is empty, or has no day; a draft needs
 * none.
 */
export function releaseNotes(changelog: string, version: string, isDraft = false): string {
  const [, title = '', text = ''] = /^## (.+)\n([\s\S]*?)(?=^## |$(?![\s\S]))/m.exec(changelog) ?? []
  const [, found, date] = /^(\S+)(?: \((.*)\))?$/.exec(title) ?? []
  if (found !== version) {
    throw new Error(
      `the top section of CHANGELOG.md is '${title}', and package.json has the version ${version}`,
    )
  }
  if (!isDraft && !/^\d{4}-\d\d-\d\d$/.test(date ?? '')) {
    throw new Error(`CHANGELOG.md: write '## ${version} (YYYY-MM-DD)', with the day of the release`)
  }
  if (text.trim() === '') throw new Error(`CHANGELOG.md has nothing about ${version}`)
  return text.trim()
}
