<?xml version="1.0" encoding="UTF-8"?>
<!--
  What a person sees who opens one of our Atom feeds in a browser. Titles, dates and links only: the content of an entry is HTML
  as text, and browsers differ in what they make of that. Links are followed to http and https alone.
-->
<xsl:stylesheet version="1.0" xmlns:xsl="http://www.w3.org/1999/XSL/Transform" xmlns:atom="http://www.w3.org/2005/Atom" xmlns:activity="http://activitystrea.ms/spec/1.0/" exclude-result-prefixes="atom activity">
  <xsl:output method="html" encoding="UTF-8" doctype-system="about:legacy-compat" indent="no"/>

  <xsl:template match="/atom:feed">
    <html lang="en">
      <head>
        <meta name="viewport" content="width=device-width, initial-scale=1"/>
        <meta name="color-scheme" content="light dark"/>
        <title><xsl:value-of select="atom:title"/> (feed)</title>
        <style>
          :root { color-scheme: light dark; --text: #1d2329; --soft: #566069; --back: #fdfdfc; --line: #d9dde0; --link: #0b57a4 }
          @media (prefers-color-scheme: dark) {
            :root { --text: #e6e8ea; --soft: #a3abb2; --back: #15181b; --line: #343a40; --link: #8ec1ff }
          }
          body { margin: 0 auto; max-width: 42rem; padding: 2rem 1.25rem 4rem; background: var(--back); color: var(--text); font: 1rem/1.6 system-ui, sans-serif; overflow-wrap: anywhere }
          a { color: var(--link) }
          h1 { margin: 0; line-height: 1.2 }
          h2 { margin: 2rem 0 .5rem; font-size: 1.2rem }
          h3 { margin: 0; font-size: 1rem; font-weight: 600 }
          code { padding: .1em .4em; border: 1px solid var(--line); border-radius: .3em; user-select: all }
          ol { margin: 0; padding: 0; list-style: none }
          li { padding: .75rem 0; border-top: 1px solid var(--line) }
          p { margin: .5rem 0 }
          .soft, time { color: var(--soft) }
          aside { margin: 1.5rem 0; padding: .75rem 1.25rem; border: 1px solid var(--line); border-radius: .5rem }
        </style>
      </head>
      <body>
        <header>
          <h1><xsl:value-of select="atom:title"/></h1>
          <xsl:if test="atom:subtitle != ''">
            <p class="soft"><xsl:value-of select="atom:subtitle"/></p>
          </xsl:if>
          <xsl:apply-templates select="atom:link[@rel = 'alternate'][1]"/>
        </header>
        <main>
          <xsl:call-template name="subscribe"/>
          <h2>Latest posts</h2>
          <xsl:if test="not(atom:entry)">
            <p class="soft">Nothing has been posted yet.</p>
          </xsl:if>
          <ol>
            <xsl:apply-templates select="atom:entry"/>
          </ol>
          <xsl:apply-templates select="atom:link[@rel = 'next'][1]"/>
        </main>
      </body>
    </html>
  </xsl:template>

  <xsl:template name="subscribe">
    <aside aria-labelledby="subscribe">
      <h2 id="subscribe" style="margin-top: 0">This is a feed</h2>
      <p>You can follow it, and new posts come to you. Give this address to a feed reader:</p>
      <p><code><xsl:value-of select="atom:link[@rel = 'self'][1]/@href"/></code></p>
      <xsl:if test="atom:author/atom:email">
        <p>Or look for this name on Mastodon, GNU social or any other place of the Fediverse:</p>
        <p><code>@<xsl:value-of select="atom:author/atom:email"/></code></p>
      </xsl:if>
    </aside>
  </xsl:template>

  <xsl:template match="atom:link[@rel = 'alternate']">
    <xsl:if test="starts-with(@href, 'http://') or starts-with(@href, 'https://')">
      <p><a href="{@href}">Go to the page of this account</a></p>
    </xsl:if>
  </xsl:template>

  <xsl:template match="atom:link[@rel = 'next']">
    <xsl:if test="starts-with(@href, 'http://') or starts-with(@href, 'https://')">
      <p><a href="{@href}" rel="next">Older posts</a></p>
    </xsl:if>
  </xsl:template>

  <xsl:template match="atom:entry">
    <xsl:variable name="page" select="atom:link[@rel = 'alternate' and (starts-with(@href, 'http://') or starts-with(@href, 'https://'))][1]/@href"/>
    <li>
      <article>
        <h3>
          <xsl:if test="atom:content/@xml:lang">
            <xsl:attribute name="lang"><xsl:value-of select="atom:content/@xml:lang"/></xsl:attribute>
          </xsl:if>
          <xsl:choose>
            <xsl:when test="$page"><a href="{$page}"><xsl:value-of select="atom:title"/></a></xsl:when>
            <xsl:otherwise><xsl:value-of select="atom:title"/></xsl:otherwise>
          </xsl:choose>
        </h3>
        <xsl:if test="atom:summary != ''">
          <p class="soft"><xsl:value-of select="atom:summary"/></p>
        </xsl:if>
        <time datetime="{atom:published}"><xsl:value-of select="substring(atom:published, 1, 10)"/></time>
      </article>
    </li>
  </xsl:template>
</xsl:stylesheet>
