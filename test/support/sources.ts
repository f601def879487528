/** Source files as the parser of TypeScript sees them: what a rule about code is checked against, and not against its text. */
import { dirname, join, relative } from 'node:path'
import { type Node, SyntaxKind } from 'typescript/unstable/ast'
import * as is from 'typescript/unstable/ast/is'
import { API } from 'typescript/unstable/sync'
import { readTexts } from './source-texts.ts'

/** `from`: as written, undefined when it is computed; `file`: what a relative one leads to, from the root; `names`: what is taken. */
export type Import = { from: string | undefined; file?: string; names: string[] }

export type Source = {
  /** From the root: `src/model/errors.ts`. */
  file: string
  lines: number
  imports: Import[]
  /** `lines` without those of named functions inside, which are counted for themselves. */
  functions: { name: string; lines: number }[]
  /** Names that are called (`fetch`, `.raw`) or reached into (`process.env`). */
  uses: Set<string>
  /** Constructs that the house does without: `default export`, `class without a parent`, `enum`. */
  oddities: string[]
  /** What its strings and templates say; a part that is computed is `{}`. */
  texts: string[]
}

/** @param root absolute, with a tsconfig.json @param folders which of its files to read */
export function readSources(root: string, folders: string[]): Source[] {
  const api = new API({ cwd: root })
  try {
    const project = api.updateSnapshot({ openProjects: [join(root, 'tsconfig.json')] }).getProjects()[0]!
    const wanted = project.rootFiles.filter(file => folders.includes(relative(root, file).split('/')[0]!))
    return wanted.map(file => readSource(relative(root, file), project.program.getSourceFile(file)!))
  } finally {
    api.close()
  }
}

type File = NonNullable<ReturnType<ReturnType<ReturnType<API['updateSnapshot']>['getProjects']>[number]['program']['getSourceFile']>>

function readSource(file: string, tree: File): Source {
  const lines = tree.text.trimEnd().split('\n').length
  const source: Source = { file, lines, imports: [], functions: [], uses: new Set(), oddities: [], texts: readTexts(tree) }
  const walk = (node: Node, parent: Node): void => {
    const taken = readImport(node, file)
    if (taken) source.imports.push(taken)
    const use = readUse(node)
    if (use) source.uses.add(use)
    const oddity = readOddity(node)
    if (oddity) source.oddities.push(oddity)
    if (isFunction(node)) source.functions.push({ name: nameOf(node, parent) ?? 'a callback', lines: ownLines(node, tree) })
    node.forEachChild(child => walk(child, node))
  }
  walk(tree, tree)
  return source
}

function readImport(node: Node, file: string): Import | undefined {
  const specifier = specifierOf(node)
  if (!specifier) return
  const from = is.isStringLiteral(specifier)
    ? specifier.text
    : is.isTemplateExpression(specifier)
      ? specifier.head.text || undefined
      : undefined
  const names: string[] = []
  const bindings = is.isImportDeclaration(node) ? node.importClause?.namedBindings : undefined
  if (bindings && is.isNamedImports(bindings)) names.push(...bindings.elements.map(element => (element.propertyName ?? element.name).text))
  else if (!is.isExportDeclaration(node)) names.push('*')
  return { from, names, ...(from?.startsWith('.') && { file: join(dirname(file), from) }) }
}

function specifierOf(node: Node): Node | undefined {
  if (is.isImportDeclaration(node) || is.isExportDeclaration(node)) return node.moduleSpecifier
  if (is.isImportTypeNode(node) && is.isLiteralTypeNode(node.argument)) return node.argument.literal
  if (is.isCallExpression(node) && node.expression.kind === SyntaxKind.ImportKeyword) return node.arguments[0]
}

function readUse(node: Node): string | undefined {
  if (is.isCallExpression(node) && is.isIdentifier(node.expression)) return node.expression.text
  if (is.isCallExpression(node) && is.isPropertyAccessExpression(node.expression)) return nameOfAccess(node.expression, '.')
  if (is.isNewExpression(node) && is.isIdentifier(node.expression)) return node.expression.text
  if (is.isPropertyAccessExpression(node)) return nameOfAccess(node, '')
  if (is.isElementAccessExpression(node) && is.isIdentifier(node.expression)) return `${node.expression.text}[]`
}

/** `process.env` for what is known by its owner, `.raw` for a method of whatever it is. */
function nameOfAccess(node: Node, owner: '' | '.'): string | undefined {
  if (!is.isPropertyAccessExpression(node)) return
  const name = is.isIdentifier(node.name) ? node.name.text : ''
  const known = is.isIdentifier(node.expression) && ['process', 'globalThis'].includes(node.expression.text)
  return known && is.isIdentifier(node.expression) ? `${node.expression.text}.${name}` : owner && `${owner}${name}`
}

function readOddity(node: Node): string | undefined {
  if (is.isExportAssignment(node)) return 'default export'
  if (is.isEnumDeclaration(node)) return 'enum'
  if (is.isClassDeclaration(node) && !node.heritageClauses?.length) return 'class without a parent'
  if (node.kind === SyntaxKind.DefaultKeyword) return 'default export'
}

const isFunction = (node: Node) =>
  is.isFunctionDeclaration(node) ||
  is.isFunctionExpression(node) ||
  is.isArrowFunction(node) ||
  is.isMethodDeclaration(node) ||
  is.isConstructorDeclaration(node)

/** A function has a name of its own when it can be read by itself; a callback belongs to who wrote it. */
function nameOf(node: Node, parent: Node): string | undefined {
  if (is.isConstructorDeclaration(node)) return 'constructor'
  const named = is.isFunctionDeclaration(node) || is.isMethodDeclaration(node) ? node : parent
  if (!(named === node || is.isVariableDeclaration(named) || is.isPropertyAssignment(named)) || !('name' in named)) return
  const name = named.name as Node | undefined
  return name && is.isIdentifier(name) ? name.text : undefined
}

const linesOf = (node: Node, tree: File) =>
  tree.getLineAndCharacterOfPosition(node.end).line - tree.getLineAndCharacterOfPosition(node.getStart(tree)).line + 1

function ownLines(node: Node, tree: File): number {
  const linesInside = (outer: Node): number => {
    let lines = 0
    outer.forEachChild(child => {
      lines += isFunction(child) && nameOf(child, outer) ? linesOf(child, tree) : linesInside(child)
    })
    return lines
  }
  return linesOf(node, tree) - linesInside(node)
}
