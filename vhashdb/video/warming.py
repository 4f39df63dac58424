"""Decode a video of our own before any other: what that imports, computes and caches, each forked process then has from the start."""

from __future__ import annotations

import base64
import os
import zlib
from typing import Final

from vhashdb.limits import Limits
from vhashdb.video import source
from vhashdb.video.frames import Mode, Sampling
from vhashdb.video.media import DecodeSession

_NAME: Final = "warming.mp4"


def warm_up(limits: Limits) -> None:
    """Decode the video as files are, in this process, with one thread; do nothing where there is no file in memory.

    Never decode anything else here: all processes of files are forked from this one.
    """
    if not hasattr(os, "memfd_create"):
        return
    try:
        video = os.memfd_create(_NAME)
    except OSError:
        return
    try:
        size = os.write(video, zlib.decompress(base64.b85decode(_VIDEO)))
        source.give(_NAME, video, size)
        for mode, exact in ((Mode.SAMPLED, True), (Mode.KEYFRAMES, False)):  # between them all that is computed only once
            for _ in DecodeSession(_NAME, Sampling(mode, exact=exact, threads=1), limits):
                pass
    finally:
        source.forget(_NAME)
        os.close(video)


# H.264 in MP4, 160 × 96, six waves; compressed, because most of it is the encoder's description of itself.
_VIDEO: Final = (
    "c-nnd3se(V8lLb-t>Bh*v53WXP_))VLJ}}MmSK5n0<y66fhabe%-oO(GnsK_0*Q*K2o>onZjKMsAO+j?K~=OZ)*=O8RgSi-t4FESDps&vMbWm4$JXqffD3iE"
    "y=U(H-~ZqL|L*<&d(YfK5Ck=e4vrF720^?KNy4td3kfyDMX3=48D-)DKoGf#A#oA<xa7WWcXe0Vx5s)qbxoVYub`ci`|jB_+9*_k5-bl;wRQ%CIwdqkWM-$$"
    "QbeIi^Hbm$2?#il!g3B8m_$^gQbj5>DvjiA7DX;DBBH3MNLfgcfTeM(lI8OwBwnRiWN7Haaw5fAg*cSJjW~g+Q68AENR$Ldnk5P_b(|_rh2mD6b_f7d*(2jr"
    "cC|VZWdLRdc2uw#A&N#h!2v_z+rX2UTB(9T@P#sz9gqfzQ4J#uJZ{Ygm|BYxW}anm0}NH8A`fVq5+I7P$B={w0kMR^RB#D6xs<g6Ors80t5Fj!hz3q5pg756"
    "kYEXCU`-|gh?qiyie?^0NJKQt7T{*67=~>EO%Y(&phB&@XAXj5a8X(ZWfcKW<IoA(jkJx&9R`ABI9!A}0ZSzEIAw(t(2>U_9}|x=K)^Jp(ZD$%rbrLQNt~0i"
    "FdB>$F3m(zJn-aI1gLzoXoQI6fYp%Ca&UCe$idJ8;DFp%Z0ry+Fq9RGK?MR>0b!Gt;h9>hCl3TO)Oo`2-(0aMNyiA@gfd20R4FH@K(kVXE|D_9R7x#`oJ8x9"
    "xE<5RLLi8M!=g}%gF6II1KdE!g)f1dFKs2V5<z6uVC@=NNq%Yd#JQ~tkv2s$Y1vmiFF(CdS5fzHef-~F6GM6yUGa<gT}HsAj^eX(K9vs;yN`IA_kZL{`Kc8#"
    "wQDDw|2)2S&-1Yl!c2FZnQO<}?ws)H_tx)SaBJqp{hFNLCs$VJuT0y2I_K1)$B(|RxO9A*kh`&aHot4>*!qqw{?WU7r}rK{j|5jQZ)&pS&T}&Vc)ojeZ9ogq"
    "3soO9>b8ehtea8Sb%~p6owh)`GV*PT9$oCd*&osNpsFwD-I9URGs<fnYqr<_ac!Xgu5*FMH#uE*@cMq|PU26<nB?xm*xv8PvkxnNZf|ZrXxa8bL%AxeEA)|j"
    "cVix=JJ9D^qhVWObp?M3_4yE;rMv2%-F;zg(uQL@>OL+$Iq8*Ao6=m5UailYr}XMxZc4Pe*5%p@Ryg0vEE_|a<ujKZIl6VhfrDK?sP#7=gZ`3_M=jplmfCU#"
    "EtC7{daJW~E^w=#^t>F{<a@aJ>+<zm(E-BQe{m)8I4dN7eL`=~n1;L8Hg{Cqx4i$}yFp%UQ^(ytb1-G|#IxaC`nT|Fax-b$Bs%92S;jrFWNCx9bhpiYEBW#C"
    "@<Ydt@L%4F2+RFLX4yACmfURhKHJGB)c);BcGnwUx<glWRQN1n+V!KSBOCn$pV?f^IrIEKpYi%SXqIV3=0nF9+XFNwvK_$<wKx2<?<<Unss6Ub%Vf{(0~V~s"
    "C#AOX)RZ06_hZ8DiW>qHhX&l8P3?8|O%Z9F+<g6$6B>)X^5l$bdD;KgP3TUnZQI!ubBOtF+^X}zGcQ&iuDW2_vcB?1bGo59Fukz!N?uCnfytMRM-om?@X=Tf"
    "G(VW5i}O*nRm8vEF)6X;Nx*%W=5w-|BuBI=6vD2gZE5kL&ezIHepoTTT>piGYHf2h-fI79b?)sm%f@8{=cJZ?_ETMP-s`Eid;=fs$T;<>(pL6%Xs#h)Pnc`r"
    "hTVOymSWxambITd+SpL_$~oUS{XZwB<}_AK8aK@r0&-2(OA9uvlFyv&x~m_{#P{|d0}l;5sf4TXlN*bi5htduvTb!`vL(~!8tp-g*#_mch1It&CuY15YzjCS"
    "_n8o$+g<P9m6g!);{D@Srv{&oeQ&b6^yR9e<@eUbrq8L(xE2)s;Vw;J-X|H+Z*0_;y`(&PHDz~!b9A!zzM@v?en_ezEORa^-jT4ZW{pMfR^C7mZ;D~rLTICz"
    "LNkf{qIutj_edWiL!@W8$$shete%McX7hrN6Ml0FAkGsDJac;gFB_Z}`R#fB@4U6Jzv)rK04WMkh5%X+ha)83fT36~KZc}m2vCN6Hg}0F2AOx#qbSTI%|9KH"
    "?!A$o^QC)Ghg(S+NItTU;K$GeL0}={AsxBQFmiA#goIz*5o!3_cp4qVvO+;L(h%<#M1dUPQzKpWzfuY*@i!42l)7K_c(#pqyWu+uvZlyLWVHJR5|j^RLuc||"
    "-;uUNCcOe)7&~RN43V4vb^V(|;Xe-yNRff?G8igp(%z?Rg6Jvt)4ApFlzDt%79;Iak0FMAeFtp;L*wIz<ftKu4jmbf9s;?DXSn1;G8~RA9g!Wh`y@cw3%eie"
    "*QF{Cb+{&i9l@i5-Do34=_o8@fJaI#bmX?fqr&4HM~^I_f*L$qQ}&3gL^u)tdf`utKN~MJX*EhUd{mnM04dx9s{"
)
