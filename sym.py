import sys,subprocess,collections,bisect,re
rows=[l.split() for l in open(sys.argv[1])]
exe=sys.argv[2]
syms=[]
for l in subprocess.run(['nm','-C','--defined-only',exe],capture_output=True,text=True).stdout.splitlines():
    p=l.split(' ',2)
    if len(p)==3 and p[1] in 'tTwWuV': syms.append((int(p[0],16),p[2]))
syms.sort(); addr=[s[0] for s in syms]
c=collections.Counter()
for f,a in rows:
    if f.endswith(exe.split('/')[-1]):
        i=bisect.bisect(addr,int(a,16))-1
        c[re.sub(r'\s+',' ',syms[i][1])[:int(sys.argv[3]) if len(sys.argv)>3 else 150]]+=1
    else: c[f.split('/')[-1]]+=1
t=sum(c.values())
for k,v in c.most_common(28): print(f'{100*v/t:5.1f}% {k}')
