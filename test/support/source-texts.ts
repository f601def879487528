/** The strings and templates of a source file, as somebody reads them who is told what they say. */
import { type Node, NodeFlags, SyntaxKind } from 'typescript/unstable/ast'
import * as is from 'typescript/unstable/ast/is'

/** Names -> the texts that they stand for. */
type Scope = Map<string, Node>

/**
 * Every text of a file, with `{}` for each part that is computed. One that is put together of others is told as a whole: what is joined by
 * `+`, what a `const` holds, and each way that `a ? 'b' : 'c'` may go. Left out are the names of files and types, lines of the log, and
 * messages of `Error`, which tell of defects and stay inside.
 */
export function readTexts(tree: Node): string[] {
  const told = new Set<Node>()
  const texts: string[] = []
  const walk = (node: Node, outer: Scope): void => {
    if (isForPrograms(node)) return
    const scope = is.isBlock(node) || is.isSourceFile(node) ? new Map([...outer, ...constantsOf(node)]) : outer
    if (isText(node) && !told.has(node)) texts.push(...waysOf(node, scope, told))
    node.forEachChild(inner => walk(inner, scope))
  }
  walk(tree, new Map())
  return texts
}

/** The texts that an expression may come to. Those inside it that are told with it are added to `told`. */
function waysOf(node: Node, scope: Scope, told: Set<Node>): string[] {
  const ways = (inner: Node): string[] => waysOf(inner, scope, told)
  if (isText(node)) told.add(node)
  if (is.isStringLiteral(node) || is.isNoSubstitutionTemplateLiteral(node)) return [node.text]
  if (is.isTemplateExpression(node))
    return node.templateSpans.reduce(
      (before, { expression, literal }) => join(before, join(ways(expression), [literal.text])),
      [node.head.text]
    )
  if (is.isBinaryExpression(node) && isText(node)) return join(ways(node.left), ways(node.right))
  if (is.isConditionalExpression(node)) return [...ways(node.whenTrue), ...ways(node.whenFalse)]
  const held = is.isIdentifier(node) ? scope.get(node.text) : undefined
  return held === undefined ? ['{}'] : waysOf(held, scope, new Set())
}

const join = (heads: string[], tails: string[]): string[] => heads.flatMap(head => tails.map(tail => head + tail))

const isText = (node: Node): boolean =>
  is.isStringLiteral(node) ||
  is.isNoSubstitutionTemplateLiteral(node) ||
  is.isTemplateExpression(node) ||
  (is.isBinaryExpression(node) && node.operatorToken.kind === SyntaxKind.PlusToken && (isText(node.left) || isText(node.right)))

const isChoice = (node: Node): boolean =>
  isText(node) || (is.isConditionalExpression(node) && isChoice(node.whenTrue) && isChoice(node.whenFalse))

/** `const name = 'text'`, right in this block. */
function constantsOf(block: Node): Scope {
  const constants: Scope = new Map()
  block.forEachChild(statement => {
    if (!is.isVariableStatement(statement) || !(statement.declarationList.flags & NodeFlags.Const)) return
    for (const { initializer, name } of statement.declarationList.declarations)
      if (is.isIdentifier(name) && initializer && isChoice(initializer)) constants.set(name.text, initializer)
  })
  return constants
}

const isForPrograms = (node: Node): boolean =>
  is.isImportDeclaration(node) ||
  is.isExportDeclaration(node) ||
  is.isLiteralTypeNode(node) ||
  (is.isNewExpression(node) && is.isIdentifier(node.expression) && /^(Type)?Error$/.test(node.expression.text)) ||
  (is.isCallExpression(node) && is.isPropertyAccessExpression(node.expression) && isLog(node.expression.expression))

/** `log`, or `tools.log`. */
function isLog(node: Node): boolean {
  const name = is.isPropertyAccessExpression(node) ? node.name : node
  return is.isIdentifier(name) && name.text === 'log'
}
