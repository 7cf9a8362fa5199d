import { DEPENDENCIES, type Dependency } from './dependencies.ts'
import { askedFor, type RuntimePackage, runtimePackages } from './runtime-packages.ts'

/** The page, as it must be committed. */
export function dependenciesPage(command: string): string {
  const packages = runtimePackages()
  const asked = new Set(askedFor())
  const sections = DEPENDENCIES.map(
    ({ title, about, rows }) => `## ${title}

${about}

| Package | Does | Why |
|---|---|---|
${rows.map((each) => row(each, packages)).join('\n')}`,
  )
  const others = packages.filter(({ name }) => !asked.has(name))
  return `<!-- Printed from tidy/dependencies.ts and the lock file by \`${command}\`; change it there. -->

# Dependencies

What the product is made of beside its own code: what is installed with \`permea\`, and what is built into its console.
Packages that only tests and builds need are not among it. Versions are those of the lock file; \`permea\` asks for the same
or newer ones of the same major version.

\`npm run sbom\` prints the same as a bill of materials (CycloneDX 1.5). In the checks of every change an unknown licence, a
package without a row here and a row without its package are refused. \`npm run audit\` asks the registry for known
vulnerabilities of what is listed here, and fails where there is one that nobody has argued about; a registry that keeps none
(many mirrors) is named, and nothing is claimed then: the line begins with NOT CHECKED and the checks go on, because one that
cannot be met where the registry is a mirror would be switched off there. Before a release it is run where the registry answers.

${sections.join('\n\n')}

## What these ask for in turn

| Package | Version | Licence |
|---|---|---|
${others.map(({ name, version, licence }) => `| \`${name}\` | ${version} | ${licence ?? 'none'} |`).join('\n')}
`
}

function row({ packages, does, why }: Dependency, all: readonly RuntimePackage[]): string {
  const named = packages.map((name) => {
    const found = all.find((each) => each.name === name)
    return `\`${name}\` ${found?.version ?? 'missing'} (${found?.licence ?? 'none'})`
  })
  return `| ${named.join('<br>')} | ${does} | ${why} |`
}
